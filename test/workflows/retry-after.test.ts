import type { PlannedDelivery } from '../../src/contracts/activities';
import type { Behaviour } from '../support/receiver';
import { eventually } from '../support/eventually';
import { useFreshReceiver } from '../support/use';
import { Harness } from './harness';
import { Running } from './running';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** What an HTTP date can't say, and what passes until the answer is judged. */
const DATE_SLACK = MINUTE;

const dateIn = (ms: number): string => new Date(Date.now() + ms).toUTCString();

/** The default schedule's first wait is one minute; each case is what a receiver answers first. */
describe('Retry-After', () => {
  let harness: Harness;
  const receiver = useFreshReceiver();

  beforeAll(async () => {
    harness = await Harness.start();
  });
  afterAll(() => harness.stop());

  /** Delivers to a receiver that asks for that first, and takes it then; the wait between. */
  function waitAfter(status: number, retryAfter: () => string): Promise<number> {
    const headers = (): Record<string, string> => ({ 'Retry-After': retryAfter() });
    return waitAfterAnswer(() => ({ kind: 'answer', status, headers: headers() }));
  }

  async function waitAfterAnswer(first: () => Behaviour): Promise<number> {
    receiver.respondWith((_request, n) => (n === 1 ? first() : 200));
    const { planned } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    expect(await harness.working(() => handle.result())).toBe('succeeded');
    return waitedOnce(planned);
  }

  function waitedOnce(planned: PlannedDelivery): number {
    const [waited, ...more] = harness.waitsOf(planned);
    const asked = harness.executionsOf(planned)[0]!.nextDelayMs!;
    expect(more).toEqual([]);
    expect(waited).toBeGreaterThanOrEqual(asked);
    return asked;
  }

  it.each([429, 503])('of a %d is waited for, in seconds', async (status) => {
    expect(await waitAfter(status, () => '7200')).toBe(2 * HOUR);
  });

  it.each([429, 503])('of a %d is waited for, as a date', async (status) => {
    const waited = await waitAfter(status, () => dateIn(3 * HOUR));
    expect(waited).toBeGreaterThan(3 * HOUR - DATE_SLACK);
    // By MongoDB's clock, which may be behind this one.
    expect(waited).toBeLessThanOrEqual(3 * HOUR + SECOND);
  });

  it('is obeyed behind more headers than are logged', async () => {
    const names = Array.from({ length: 70 }, (_, n) => `X-Header-${n}`);
    const others = Object.fromEntries(names.map((name) => [name, 'y']));
    const headers = { ...others, 'Retry-After': '7200' };
    expect(await waitAfterAnswer(() => ({ kind: 'answer', status: 429, headers }))).toBe(2 * HOUR);
  });

  it('is obeyed when the body after it breaks off', async () => {
    const bytes = 'HTTP/1.1 503 Unavailable\r\nRetry-After: 7200\r\nContent-Length: 9\r\n\r\nwait';
    expect(await waitAfterAnswer(() => ({ kind: 'raw', bytes }))).toBe(2 * HOUR);
  });

  it.each([
    ['seconds', () => String(10 * 24 * 60 * 60)],
    ['a date', () => dateIn(10 * 24 * HOUR)],
  ])('of more than 24 hours is cut there, in %s', async (_form, retryAfter) => {
    expect(await waitAfter(503, retryAfter)).toBe(24 * HOUR);
  });

  it.each([
    [429, 'less than the schedule’s wait', '5'],
    [503, 'a date in the past', new Date(0).toUTCString()],
    [503, 'nothing that can be read', 'tomorrow'],
    [500, 'another status', '7200'],
    [502, 'another status', '7200'],
    [404, 'another status', '7200'],
    [301, 'another status', '7200'],
  ])('of a %d with %s leaves the schedule alone', async (status, _why, retryAfter) => {
    const waited = await waitAfter(status, () => retryAfter);
    expect(waited).toBeGreaterThanOrEqual(MINUTE);
    expect(waited).toBeLessThanOrEqual(1.1 * MINUTE);
  });

  it('of an hour is waited for, although the delivery is paused and resumed by signals', async () => {
    receiver.respondWith((_request, n): Behaviour =>
      n === 1 ? { kind: 'answer', status: 429, headers: { 'Retry-After': '3600' } } : 200,
    );
    const running = await Running.start(harness, receiver);
    await harness.working(async () => {
      await eventually('it backs off', async () => {
        return (await running.handle.describe()).raw.pendingActivities?.[0]?.attempt === 2;
      });
      await running.ask('pause');
      await running.becomes('paused');
      await running.ask('resume');
      await running.expectSucceeded(2);
    });
    const executions = harness.executionsOf(running.planned);
    expect(executions.at(-1)!.atMs - executions[0]!.atMs).toBeGreaterThanOrEqual(HOUR);
  });

  it('does not make more attempts of the schedule', async () => {
    receiver.respondWith({ kind: 'answer', status: 503, headers: { 'Retry-After': '3600' } });
    const { planned } = await harness.fixture.planned(receiver.url);
    const handle = await harness.start(planned);
    await harness.working(() => expect(handle.result()).rejects.toThrow());
    expect(receiver.requests).toHaveLength(4);
    const asked = harness.executionsOf(planned).map(({ nextDelayMs }) => nextDelayMs);
    expect(asked).toEqual([HOUR, HOUR, HOUR, undefined]);
  });
});
