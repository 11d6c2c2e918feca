import { pino } from 'pino';
import { CancelSignals } from '../../../src/api/events/cancel-signals';

/** Signals that end when told to. */
function signals() {
  const asked: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const told: { deliveryId?: string }[] = [];
  const log = pino(
    { base: null },
    { write: (line: string) => void told.push(JSON.parse(line) as { deliveryId?: string }) },
  );
  const queue = new CancelSignals((id) => {
    asked.push(id);
    return new Promise<void>((resolve, reject) => {
      ends.push((error) => (error ? reject(error) : resolve()));
    });
  }, log);
  /** Ends all until none is in progress. */
  const endAll = async (): Promise<void> => {
    while (ends.length > 0) {
      for (const end of ends.splice(0)) end();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { queue, asked, ends, told, endAll };
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `dlv_${n}`);

it('tells a few workflows at a time that they are cancelled, of however many requests', async () => {
  const { queue, asked, ends, endAll } = signals();
  queue.add(ids(6));
  queue.add(ids(100));
  expect(asked).toHaveLength(8);
  ends.shift()!();
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toHaveLength(9);
  await endAll();
  expect(asked).toEqual([...ids(6), ...ids(100)]);
});

it('goes on after one that could not be told, and when others come', async () => {
  const { queue, asked, ends, told, endAll } = signals();
  queue.add(ids(10));
  ends.shift()!(new Error('unavailable'));
  await endAll();
  expect(asked).toHaveLength(10);
  expect(told).toMatchObject([
    { deliveryId: 'dlv_0', msg: 'cancelled delivery left to its next attempt' },
  ]);
  queue.add(ids(1));
  expect(asked).toHaveLength(11);
  await endAll();
});

it('holds a limited number', async () => {
  const { queue, asked, endAll } = signals();
  queue.add(ids(30_000));
  queue.add(ids(10));
  await endAll();
  expect(asked).toHaveLength(20_008);
});
