import { UNENDED_STATUSES } from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { changeOne } from './change-one';
import { cancelledNow } from './delivery-states';
import type { EventRecord } from './event-record';
import { oneOf } from './one-of';
import type { Store } from './store';

/** Answers of receivers, to be removed from deliveries. */
const answers = {
  'attempts.$[].responseBody': '',
  'attempts.$[].responseBodyCut': '',
  'attempts.$[].responseHeaders': '',
};
/** A transaction keeps in memory what it rewrites: the answers of thousands of receivers are too much for it. */
const AT_ONCE = 100;

/**
 * Permanently deletes an event's payload, wherever it is kept: its body, what a provider reported, and the
 * answers of receivers, which may repeat it. The event stays, with its idempotency key, and so do its
 * deliveries; those that have not ended are cancelled, and none of them can be replayed. If repeated, it
 * changes only what was written since.
 * @returns the event without its payload, and the deliveries that a workflow may still run; null if there is
 *   no such event
 */
export async function expungeEvent(
  store: Store,
  projectId: string,
  id: string,
): Promise<{ event: EventRecord; cancelled: string[] } | null> {
  if (!(await store.events.model.exists({ _id: id, projectId }))) return null;
  await removeAnswers(store, id);
  const expunged = await store.transaction(async (session) => {
    const event = await changeOne(
      store.events.model,
      { _id: id, projectId },
      { body: null, expungedAt: { $ifNull: ['$expungedAt', '$$NOW'] } },
      { session },
    );
    if (!event) return null;
    const deliveries = store.deliveries.model;
    const pending = await deliveries
      .find({ eventId: id, status: 'pending', isExpress: null }, { _id: 1 })
      .session(session)
      .lean<{ _id: string }[]>();
    const { modifiedCount: ended } = await deliveries.updateMany(
      { eventId: id, status: { $in: UNENDED_STATUSES } },
      [{ $set: cancelledNow }],
      { session },
    );
    await deliveries.updateMany(
      { eventId: id },
      { $set: { expunged: true }, $unset: answers },
      { session },
    );
    await store.inbound.model.updateMany(
      { eventId: oneOf(id) },
      { $set: { payload: 'null' } },
      { session },
    );
    return { event, cancelled: pending.map(({ _id }) => _id), ended };
  });
  if (expunged) deliveriesEnded.inc({ status: 'cancelled' }, expunged.ended);
  return expunged;
}

/** Those that are there now. */
async function removeAnswers({ deliveries: { model } }: Store, eventId: string): Promise<void> {
  let after = '';
  for (;;) {
    const some = await model
      .find({ eventId, _id: { $gt: after } }, { _id: 1 })
      .sort({ _id: 1 })
      .limit(AT_ONCE)
      .lean<{ _id: string }[]>();
    if (some.length === 0) return;
    await model.updateMany({ _id: { $in: some.map(({ _id }) => _id) } }, { $unset: answers });
    after = some.at(-1)!._id;
  }
}
