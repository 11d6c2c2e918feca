import { clock } from '../../src/clock';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { expressDeliveryId } from '../../src/store/queue';
import type { EventRecord } from '../../src/store/event-record';
import { newDelivery } from '../../src/store/new-delivery';
import type { Store } from '../../src/store/store';
import type { WebhookRecord } from '../../src/store/webhook-record';
import type { ActivityDependencies } from '../dependencies';
import { choose } from '../judge-filters';
import { isFor } from '../plan-deliveries';
import { LoopTurns } from '../loop-turns';

/** How long further events are planned before the first of them are sent. */
export const TOGETHER_MS = 100;

/** An event and those of its deliveries that MongoDB doesn't have yet. */
export interface PlannedEvent {
  event: EventRecord;
  deliveries: DeliveryRecord[];
}

/**
 * Plans events for their subscribed webhooks: the first of them, and further ones while there is room, and time.
 * @param about.room deliveries
 * @param about.isFresh whether no earlier shift can have begun with it
 */
export async function planExpress(
  deps: Pick<ActivityDependencies, 'store' | 'tenantCpu' | 'log'>,
  events: readonly EventRecord[],
  about: {
    subscribersOf: (type: string) => WebhookRecord[];
    room: number;
    isFresh: (event: EventRecord) => boolean;
  },
): Promise<PlannedEvent[]> {
  const { subscribersOf, isFresh } = about;
  const former = events.filter((event) => !isFresh(event)).map(({ _id }) => _id);
  const stored = new Set(
    former.length === 0
      ? []
      : await deps.store.deliveries.model.distinct('_id', { eventId: { $in: former } }),
  );
  const planned: PlannedEvent[] = [];
  // However long that read has taken.
  const until = performance.now() + TOGETHER_MS;
  let { room } = about;
  const turns = new LoopTurns();
  for (const event of events) {
    // Not a time from before that read: webhooks created meanwhile are subscribers, too.
    const at = clock.now();
    // Its payload was deleted meanwhile; or it was stored with its one delivery, as tests are.
    const hasNone = event.body === null || event.onlyWebhookId !== undefined;
    const subscribed = hasNone ? [] : subscribersOf(event.type);
    const page = subscribed.filter((webhook) => isFor(event, webhook, at));
    const chosen = await choose(deps, event, page, async () => event.body, turns);
    const deliveries: PlannedEvent['deliveries'] = [];
    for (const webhook of chosen) {
      if (turns.isOver) await turns.next();
      const id = expressDeliveryId(event._id, webhook._id);
      if (!stored.has(id)) deliveries.push(newDelivery(event, webhook, { at, id }));
    }
    planned.push({ event, deliveries });
    // The others may have any number of webhooks.
    room -= deliveries.length;
    if (room <= 0 || performance.now() > until) break;
  }
  return planned;
}

/** Plans nothing for those whose payload was deleted since they were read. */
export async function withoutDeleted(
  { events }: Store,
  planned: readonly PlannedEvent[],
): Promise<PlannedEvent[]> {
  const _id = { $in: planned.map(({ event }) => event._id) };
  const deleted = new Set(await events.model.distinct('_id', { _id, body: null }));
  return planned.map((one) => (deleted.has(one.event._id) ? { ...one, deliveries: [] } : one));
}
