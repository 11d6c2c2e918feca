import { MockActivityEnvironment } from '@temporalio/testing';
import { newId } from '../../src/contracts/ids';
import { eventually } from '../support/eventually';
import { useStack } from '../support/use';

const HOUR = 3_600_000;

describe('after MongoDB’s clock was set back,', () => {
  const stack = useStack({}, { worker: false });
  const inMs = (ms: number): Date => new Date(Date.now() + ms);

  afterEach(() => jest.restoreAllMocks());

  it('lost work is found although a search had come further by the clock of before', async () => {
    const { deliveries, searchPositions } = stack.store;
    const [projectId, id] = [newId('project'), newId('delivery')];
    const seen = { at: inMs(HOUR), id: newId('delivery') };
    const position = { seen, again: null, againAt: inMs(HOUR) };
    await searchPositions.save({ _id: 'deliveries', project: '', of: { [projectId]: position } });
    await deliveries.model.create({
      _id: id,
      eventId: newId('event'),
      webhookId: newId('webhook'),
      projectId,
      eventType: 'email.sent',
      status: 'pending',
      nextAttemptAt: inMs(-60_000),
      createdAt: inMs(-60_000),
      expiresAt: inMs(HOUR),
    });
    const look = jest.spyOn(stack.engine, 'findRun').mockResolvedValue('running');
    const env = new MockActivityEnvironment();
    const done = env.run(() => stack.activities.reconcile('deliveries'));
    await eventually('it is looked at', () => look.mock.calls.some(([found]) => found === id));
    env.cancel();
    await done;
  });

  it.each([
    ['does not count', HOUR, false],
    ['in a few seconds’ doubt counts', 2000, true],
    ['of now counts', 0, true],
    ['of a while ago does not count', -10_000, false],
  ])('a courier’s report that it is at work %s', async (_which, ms, isAtWork) => {
    const { couriers } = stack.store;
    const projectId = newId('project');
    await couriers.model.create({ _id: projectId, shift: 1, renewedAt: inMs(ms) });
    expect(await couriers.isAtWork(projectId)).toBe(isAtWork);
    await couriers.end(projectId, 1);
    expect(await couriers.isAtWork(projectId)).toBe(false);
  });
});
