import { pino } from 'pino';
import { StartQueue, type Startable } from '../../../src/api/events/start-queue';

const event = (projectId: string, n: number): Startable => ({
  _id: `evt_${projectId}${n}`,
  projectId,
  type: 'email.sent',
});

/** By the clock of all queues: what waits too long is left. */
let now: number;
beforeEach(() => {
  now = performance.now();
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

/** A queue whose starts end when told to. */
function queue() {
  const asked: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const told: { count?: number }[] = [];
  const log = pino(
    { base: null },
    { write: (line: string) => void told.push(JSON.parse(line) as { count?: number }) },
  );
  const starts = new StartQueue(({ _id }) => {
    asked.push(_id.slice(4));
    return new Promise<void>((resolve, reject) => {
      ends.push((error) => (error ? reject(error) : resolve()));
    });
  }, log);
  /** Ends starts, the oldest first, until none is left. */
  const endAll = async (): Promise<void> => {
    const state = { isDrained: false };
    void starts.drained().then(() => (state.isDrained = true));
    while (!state.isDrained) {
      for (const end of ends.splice(0)) end();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { starts, asked, ends, told, endAll };
}

it('starts a few at a time, and projects take turns', async () => {
  const { starts, asked, endAll } = queue();
  for (let n = 0; n < 20; n += 1) starts.add(event('a', n));
  for (let n = 0; n < 3; n += 1) starts.add(event('b', n));
  expect(asked).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  await endAll();
  expect(asked.slice(8, 14)).toEqual(['a8', 'b0', 'a9', 'b1', 'a10', 'b2']);
  expect(asked).toHaveLength(23);
});

it('goes on after a start that failed, and leaves that one to reconcile', async () => {
  const { starts, asked, ends, told, endAll } = queue();
  for (let n = 0; n < 10; n += 1) starts.add(event('a', n));
  ends.shift()!(new Error('unavailable'));
  await endAll();
  expect(asked).toHaveLength(10);
  expect(told).toMatchObject([{ eventId: 'evt_a0', msg: 'fan-out left to reconcile' }]);
});

it('leaves to reconcile what has waited for two seconds, and is then empty', async () => {
  const { starts, asked, ends, told, endAll } = queue();
  for (let n = 0; n < 10; n += 1) starts.add(event('a', n));
  now += 2001;
  ends.shift()!();
  await endAll();
  expect(asked).toHaveLength(8);
  expect(told).toMatchObject([{ count: 1, msg: 'fan-outs left to reconcile' }]);
  // What comes now is started again.
  starts.add(event('a', 10));
  expect(asked.at(-1)).toBe('a10');
  await endAll();
});

it('holds so many of a project, and of all, and leaves room for the others', async () => {
  const { starts, asked, told, endAll } = queue();
  for (const projectId of ['a', 'b', 'c', 'd', 'e']) {
    for (let n = 0; n < 5100; n += 1) starts.add(event(projectId, n));
  }
  await endAll();
  // Eight of the first project didn't have to wait.
  expect(asked).toHaveLength(20_000 + 8);
  expect(new Set(asked.map((id) => id[0]))).toEqual(new Set(['a', 'b', 'c', 'd']));
  expect(told[0]).toMatchObject({ msg: 'fan-outs left to reconcile' });
});
