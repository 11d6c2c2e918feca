import { newId } from '../../../src/contracts/ids';
import { DeliveryChanges } from '../../../src/store/delivery-changes';
import { EventStream } from '../../support/event-stream';
import { eventually, PATIENCE_MS } from '../../support/eventually';
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
    // However long a busy machine takes for them.
    const limit = jest.replaceProperty(DeliveryChanges, 'missedWithinMs', PATIENCE_MS);
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
      limit.restore();
      over.abort();
      await changing;
      again.close();
    }
  });

  it('asks for the lists again where others of its project take too long, and no other project waits', async () => {
    const [{ id: projectId, client }, other] = [await stack.project(), await stack.project()];
    const streams: EventStream[] = [];
    const open = async (
      { key }: { key: string },
      headers: Record<string, string> = {},
    ): Promise<EventStream> => {
      const authorization = `Bearer ${key}`;
      const stream = await EventStream.open(stack.url, { authorization, ...headers });
      streams.push(stream);
      return stream;
    };
    const first = await open(client);
    await first.next('ready');
    const back = { 'last-event-id': first.lastEventId };
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const { deliveryChanges } = stack.store;
    const between = deliveryChanges.between.bind(deliveryChanges);
    const spy = jest.spyOn(deliveryChanges, 'between').mockImplementation(async (...args) => {
      if (args[2] === projectId) await released;
      return between(...args);
    });
    try {
      const held = await open(client, back);
      await eventually('its turn has come', () => spy.mock.calls.length === 1);
      const waiting = await open(client, back);
      const others = await open(other.client, back);
      await others.next('ready');
      expect((await waiting.next('reload')).data).toEqual({ reason: 'busy' });
      await waiting.next('ready');
      expect(held.events).toEqual([]);
      release();
      await held.next('ready');
    } finally {
      release();
      spy.mockRestore();
      for (const stream of streams) stream.close();
    }
  });
});
