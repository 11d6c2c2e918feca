import type { SendRequest } from '../../src/delivery/http';
import type { NewWebhook } from '../../src/store/webhook-record';
import type { ProjectPolicy } from '../../src/store/projects';
import { intercept } from '../support/intercept';
import { useFreshReceiver } from '../support/use';
import { Harness } from './harness';
import { expectWaits } from './waits';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Written down from docs/contract.md, 1.1, not read from the profiles. */
const CONTRACT: [profile: string, timeoutMs: number, delays: number[]][] = [
  ['autosend', 10 * SECOND, [1 * MINUTE, 5 * MINUTE, 15 * MINUTE]],
  ['platform', 10 * SECOND, [1 * MINUTE, 5 * MINUTE, 15 * MINUTE]],
  ['emailsendx', 30 * SECOND, [30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 1 * HOUR]],
  [
    'ahasend',
    10 * SECOND,
    [15 * SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND, 510 * SECOND],
  ],
  [
    'custom',
    15 * SECOND,
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR],
  ],
];
const PROFILES = CONTRACT.map(([profile]) => profile);

describe('a receiver that answers 500 for ever', () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.stop());
  beforeEach(async () => {
    receiver.respondWith(500);
  });

  /** Lets a delivery run to its end and two days on, and expects these figures. */
  async function expectFigures(
    { timeoutMs, delays }: { timeoutMs: number; delays: number[] },
    profile: string,
    projectPolicy: ProjectPolicy = {},
    fields: Partial<NewWebhook> = {},
  ): Promise<void> {
    const { fixture } = harness;
    const project = await fixture.project(projectPolicy, profile);
    const { planned, webhook } = await fixture.planned(receiver.url, fields, project);
    const timeouts: number[] = [];
    const { sender } = fixture.dependencies;
    const activities = fixture.activities({
      sender: intercept(sender, 'send', (request: SendRequest) => {
        timeouts.push(request.timeoutMs);
        return sender.send(request);
      }),
    });
    const handle = await harness.start(planned);
    await harness.working(async () => {
      await expect(handle.result()).rejects.toThrow();
      await harness.env.sleep('48 hours');
    }, activities);

    const attempts = delays.length + 1;
    expect(receiver.requests).toHaveLength(attempts);
    expectWaits(harness, planned, delays);
    expect(timeouts).toEqual(Array(attempts).fill(timeoutMs));
    expect(await fixture.delivery(planned.deliveryId)).toMatchObject({
      status: 'failed',
      attemptCount: attempts,
      nextAttemptAt: null,
    });
    expect(await fixture.health(webhook)).toMatchObject({ failureCount: attempts });
  }

  it.each(CONTRACT)(
    'of %s has %d ms for each attempt, is attempted by its schedule, and then failed',
    async (profile, timeoutMs, delays) => {
      await expectFigures({ timeoutMs, delays }, profile);
    },
  );

  it.each(PROFILES)("is attempted by its project's own figures in %s", async (profile) => {
    const [timeoutMs, delays] = [2000, [7 * SECOND, 2 * HOUR]];
    await expectFigures({ timeoutMs, delays }, profile, { timeoutMs, retryDelaysMs: delays });
  });

  it.each(PROFILES)(
    'is attempted by its own figures before its project’s in %s',
    async (profile) => {
      const [timeoutMs, delays] = [60_000, [24 * HOUR, 1 * SECOND]];
      await expectFigures(
        { timeoutMs, delays },
        profile,
        { timeoutMs: 2000, retryDelaysMs: [7 * SECOND] },
        { policy: { timeoutMs, retryDelaysMs: delays } },
      );
    },
  );
});
