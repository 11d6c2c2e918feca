import type { ClientSession, QueryFilter } from 'mongoose';
import { clock } from '../clock';
import { UNENDED_STATUSES } from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { SECOND_MS } from '../domain/durations';
import { requestedBefore } from '../domain/kept-back';
import { queueOf, type DeliveryRecord } from './delivery-record';
import { endedBecause } from './delivery-states';
import type { EndingRecord } from './endings';
import type { Store } from './store';
import type { WebhookRecord } from './webhook-record';

/** Deliveries looked at together. */
const BATCH = 500;
/** After that the rest is left to reconcile, so that the caller doesn't wait for hundreds of thousands. */
export const WITHIN_MS = 2 * SECOND_MS;

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
  const { deliveries, endings } = store;
  const { model } = deliveries;
  const end = endedBecause(ending.reason);
  const { ended, isLast } = await store.transaction(async (session) => {
    const nothing = { ended: 0, isLast: true };
    const confirmed = await endings.confirm(ending, session);
    if (!confirmed) return nothing;
    const unended = await unendedOf(store, ending, session);
    if (!unended) {
      await endings.remove(ending._id, session);
      return nothing;
    }
    // For a disabled webhook this includes what goes on, by the index alone: that may be a great deal.
    const batch = await model
      .find({ ...openOf(ending._id), _id: { $gt: confirmed.after ?? '' } }, { _id: 1 })
      .sort({ _id: 1 })
      .limit(BATCH)
      .session(session)
      .lean();
    const ids = batch.map(({ _id }) => _id);
    const { modifiedCount } = await model.updateMany(
      { ...unended, _id: { $in: ids } },
      [{ $set: end }],
      { session },
    );
    const isDone = ids.length < BATCH;
    if (isDone) await endings.remove(ending._id, session);
    else await endings.advance(ending._id, ids.at(-1)!, session);
    return { ended: modifiedCount, isLast: isDone };
  });
  if (ended > 0) {
    deliveriesEnded.inc({ status: end.status }, ended);
    await store.countedHours.expectChanges(ending.projectId);
  }
  return !isLast;
}

/**
 * Notes that something is still to be sent to a disabled webhook, if that is so: whoever read the webhook before it
 * was disabled may have stored something after all the others had ended.
 */
export async function noteLeft(
  store: Store,
  { _id, projectId, disabledAt }: Pick<WebhookRecord, '_id' | 'projectId' | 'disabledAt'>,
): Promise<void> {
  const reason = 'webhook_disabled';
  const unended = await unendedOf(store, { _id, reason });
  if (!unended) return;
  const { model } = store.deliveries;
  // What has been replayed in bulk since it was disabled is not searched: that may be a great deal.
  const before = disabledAt ?? new Date(0);
  const replays = await store.replays.listUnended(projectId, { before });
  const ofReplays = { ...unended, 'bulkReplay.id': { $in: replays } };
  const isLeft =
    (await model.exists({ ...unended, queuedIn: queueOf(projectId) }).hint('queue')) ??
    (replays.length > 0 && (await model.exists(ofReplays).hint('bulkOfWebhook')));
  if (isLeft) await store.endings.noteIfNone({ _id, projectId }, reason);
}

const openOf = (webhookId: string) => ({ webhookId, status: { $in: UNENDED_STATUSES } });

/**
 * What ends with a webhook. Not what is sent even to a disabled one (`keptBack`): tests and replays that have been
 * requested since it was disabled.
 * @returns null: nothing, since it is enabled
 */
async function unendedOf(
  { webhooks }: Store,
  { _id, reason }: Pick<EndingRecord, '_id' | 'reason'>,
  session: ClientSession | null = null,
): Promise<QueryFilter<DeliveryRecord> | null> {
  const unended = openOf(_id);
  if (reason === 'webhook_deleted') return unended;
  const webhook = await webhooks.model
    .findById(_id, { isActive: 1, disabledAt: 1 })
    .session(session)
    .lean<Pick<WebhookRecord, 'isActive' | 'disabledAt'>>();
  if (webhook?.isActive) return null;
  const { after, before } = requestedBefore(webhook?.disabledAt ?? new Date(0), clock.now());
  const since = { $ne: null, $not: { $gt: after, $lt: before } };
  const isReplay = { replays: { $gt: 0 }, replayRequestedAt: since };
  return { ...unended, $nor: [{ test: true, replays: 0, createdAt: since }, isReplay] };
}
