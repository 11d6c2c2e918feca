import type { ClientSession, QueryFilter } from 'mongoose';
import { UNENDED_STATUSES } from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { SECOND_MS } from '../domain/durations';
import type { DeliveryRecord } from './delivery-record';
import { endedNow, endedWith } from './delivery-states';
import type { EndingRecord } from './endings';
import type { Store } from './store';
import type { WebhookRecord } from './webhook-record';

/** Deliveries ended together. */
const BATCH = 1000;
/** After that the rest is left to reconcile, so that the caller doesn't wait for hundreds of thousands. */
const WITHIN_MS = 2 * SECOND_MS;

/**
 * Ends what was still to be sent to a webhook that was disabled or deleted, if that is noted: nearly always all of
 * it. Their workflows, and attempts in progress, find out themselves. If repeated, it continues.
 */
export async function endDeliveriesOf(
  store: Store,
  webhookId: string,
  withinMs = WITHIN_MS,
): Promise<void> {
  const ending = await store.endings.find(webhookId);
  if (!ending) return;
  const untilMs = performance.now() + withinMs;
  while ((await endSome(store, ending)) && performance.now() < untilMs);
}

/**
 * Ends some of them, in one short transaction.
 * @returns whether there may be more
 */
export async function endSome(store: Store, ending: EndingRecord): Promise<boolean> {
  const { model } = store.deliveries;
  const end = endedWith(ending.reason);
  const { ended, isLast } = await store.transaction(async (session) => {
    if (!(await store.endings.confirm(ending, session))) return { ended: 0, isLast: true };
    const unended: QueryFilter<DeliveryRecord> = {
      webhookId: ending._id,
      status: { $in: UNENDED_STATUSES },
      ...(ending.reason === 'webhook_disabled' && {
        $nor: await sentAnyway(store, ending._id, session),
      }),
    };
    const batch = await model.find(unended, { _id: 1 }).limit(BATCH).session(session).lean();
    const { modifiedCount } = await model.updateMany(
      { ...unended, _id: { $in: batch.map(({ _id }) => _id) } },
      [{ $set: { ...end, ...endedNow } }],
      { session },
    );
    const isDone = batch.length < BATCH;
    if (isDone) await store.endings.remove(ending._id, session);
    return { ended: modifiedCount, isLast: isDone };
  });
  if (ended > 0) {
    deliveriesEnded.inc({ status: end.status }, ended);
    await store.countedHours.expectChanges(ending.projectId);
  }
  return !isLast;
}

/** What is sent to a disabled webhook too (`keptBack`): its tests, and what has been replayed since it was disabled. */
async function sentAnyway(
  { webhooks }: Store,
  webhookId: string,
  session: ClientSession,
): Promise<QueryFilter<DeliveryRecord>[]> {
  const webhook = await webhooks.model
    .findById(webhookId, { disabledAt: 1 })
    .session(session)
    .lean<Pick<WebhookRecord, 'disabledAt'>>();
  const since = { $gte: webhook?.disabledAt ?? new Date(0) };
  // An operator's reset has no other time.
  const isReset = { replayRequestedAt: null, openedAt: since };
  return [{ test: true }, { replays: { $gt: 0 }, $or: [{ replayRequestedAt: since }, isReset] }];
}
