import { newId } from '../../../src/contracts/ids';
import { EventStream } from '../../support/event-stream';
import { useStack } from '../../support/use';
import { insertDeliveries, insertDelivery } from './insert';

describe('a stream that is opened again in a busy system', () => {
  const stack = useStack();

  it('tells what was missed, however much of other projects changes, and without a pause', async () => {
    const { id: projectId, client } = await stack.project();
    const open = (headers: Record<string, string> = {}): Promise<EventStream> =>
      EventStream.open(stack.url, { authorization: `Bearer ${client.key}`, ...headers });
    const first = await open();
    await first.next('ready');
    first.close();
    const missed = await insertDelivery(stack, { projectId });
    const other = { projectId: newId('project') };
    await insertDeliveries(
      stack,
      Array.from({ length: 6000 }, () => other),
    );
    const over = new AbortController();
    const change = async (): Promise<void> => {
      while (!over.signal.aborted) await insertDelivery(stack, other);
    };
    const changing = change();
    const again = await open({ 'last-event-id': first.lastEventId });
    try {
      await again.next('ready');
      const told = again.events.map(({ event, data }) => `${event} ${data.id}`);
      // It may be told twice.
      expect(new Set(told)).toEqual(new Set([`delivery ${missed}`, 'ready undefined']));
    } finally {
      over.abort();
      await changing;
      again.close();
    }
  });
});
