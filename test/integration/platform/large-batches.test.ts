import { Intake } from '../../../src/api/events/intake';
import { PART } from '../../../src/in-parts';
import { profileOf } from '../../support/profiler';
import { useStack } from '../../support/use';
import { newSigner } from '../../unit/providers/sign';
import { postNative } from './post-native';

/** As many as a request may have. */
const REPORTS = 5000;

const reported = Array.from({ length: REPORTS }, (_, n) => ({
  event: 'open',
  email: 'ada@example.com',
  timestamp: Math.floor(Date.now() / 1000),
  sg_event_id: `event-${n}`,
  sg_message_id: `message-${n}`,
}));

describe('a large batch of a provider’s reports', () => {
  const stack = useStack({}, { worker: false });

  it('is stored whole and once, but made and inserted in parts, between which others have their turn', async () => {
    const { id: projectId } = await stack.project({ profile: 'platform' });
    const client = await stack.client(projectId, 'sender');
    const { key, sign } = newSigner('sendgrid');
    await stack.admin.patch(`/v1/projects/${projectId}`, { providerKeys: { sendgrid: key } });

    let inTurn = 0;
    let most = 0;
    // oxlint-disable-next-line typescript/unbound-method -- it is applied to its own instance
    const { build: original } = Intake.prototype;
    const build = jest.spyOn(Intake.prototype, 'build').mockImplementation(function (
      this: Intake,
      ...args
    ) {
      if (inTurn === 0) setImmediate(() => (inTurn = 0));
      inTurn += 1;
      most = Math.max(most, inTurn);
      return original.apply(this, args);
    });
    const signed = sign(Buffer.from(JSON.stringify(reported)));
    const { events, inbound } = stack.store;
    const { answer, profiled } = await profileOf(
      events.model.db.db!,
      () => postNative(client, 'sendgrid', signed),
      { op: 'insert', ns: /\.(events|inbound)$/ },
    );
    expect(answer.status).toBe(200);
    expect(build).toHaveBeenCalledTimes(REPORTS);
    build.mockRestore();
    expect(most).toBeLessThanOrEqual(PART);
    const inserted = profiled.map(({ ninserted = 0 }) => ninserted);
    expect(inserted.reduce((sum, count) => sum + count, 0)).toBe(2 * REPORTS);
    expect(Math.max(...inserted)).toBeLessThanOrEqual(PART);

    const stored = () =>
      Promise.all([
        events.model.countDocuments({ projectId }),
        inbound.model.countDocuments({ projectId }),
      ]);
    expect(await stored()).toEqual([REPORTS, REPORTS]);
    expect((await postNative(client, 'sendgrid', signed)).status).toBe(200);
    expect(await stored()).toEqual([REPORTS, REPORTS]);
  });
});
