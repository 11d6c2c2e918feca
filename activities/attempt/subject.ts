import { activityInfo } from '@temporalio/activity';
import type { AttemptOrigin, RoundResult } from '../../src/contracts/activities';
import { cancelOrphan } from '../../src/store/cancel-orphan';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import { expungeEvent } from '../../src/store/expunge';
import type { ProjectRecord } from '../../src/store/projects';
import { isAtWork } from '../../src/store/rounds';
import type { AttemptedWebhook } from '../../src/store/webhook-record';
import { superseded } from '../again-in';
import type { ActivityDependencies } from '../dependencies';

/** Everything that an attempt needs. */
export interface Subject {
  delivery: DeliveryRecord;
  event: EventRecord;
  /** The event's. */
  body: string;
  webhook: AttemptedWebhook;
  project: ProjectRecord;
}

/**
 * Loads the attempt's documents and opens the run's round; or returns how the round ends without them.
 * @throws ApplicationFailure `AttemptDeferred` if a later execution has been here
 */
export async function load(
  deps: ActivityDependencies,
  deliveryId: string,
  origin: AttemptOrigin | boolean | undefined,
  isForced: boolean,
): Promise<Subject | RoundResult> {
  return read(deps, deliveryId, (found) => open(deps, found, origin, isForced));
}

/**
 * Loads them again, in the round that is open.
 * @throws ApplicationFailure `AttemptDeferred` if another execution has been here since
 */
export async function reload(
  deps: ActivityDependencies,
  loaded: DeliveryRecord,
): Promise<Subject | RoundResult> {
  return read(deps, loaded._id, (found) => (isAtWork(found, loaded) ? found : null));
}

/** @param enter returns the delivery in the round of this execution; null: that is over */
async function read(
  { store }: ActivityDependencies,
  deliveryId: string,
  enter: (found: DeliveryRecord) => DeliveryRecord | null | Promise<DeliveryRecord | null>,
): Promise<Subject | RoundResult> {
  const found = await store.deliveries.findWithParts(deliveryId);
  if (!found) return 'gone';
  const { event, webhook, project } = found;
  if (!event || !webhook || !project) {
    const { status } = found.delivery;
    if (status === 'succeeded' || status === 'failed') return status;
    const hasEnded = status === 'skipped' || status === 'cancelled';
    if (hasEnded || (await cancelOrphan(store, found.delivery))) return 'cancelled';
    throw new Error('not everything that the delivery needs could be read');
  }
  if (event.body === null) {
    // Planned while its payload was being deleted, or reset after that.
    await expungeEvent(store, project._id, event._id);
    const { status } = found.delivery;
    return status === 'pending' || status === 'held' ? 'cancelled' : status;
  }
  const { isExpress, status } = found.delivery;
  // A courier took it over while a worker of an earlier version, which does not look for that, started this run.
  if (isExpress) return status === 'pending' ? 'queued' : status;
  const delivery = await enter(found.delivery);
  if (!delivery) throw superseded();
  return { delivery, event, body: event.body, webhook, project };
}

/**
 * Loads the attempt's documents, if no run or execution has changed the delivery, and all are there: its round
 * is open then, and needs no write.
 */
export async function loadUntouched(
  { store }: ActivityDependencies,
  deliveryId: string,
): Promise<Subject | null> {
  const found = await store.deliveries.findWithParts(deliveryId);
  if (!found || !isUntouched(found.delivery)) return null;
  const { delivery, event, webhook, project } = found;
  if (!event || event.body === null || !webhook || !project) return null;
  return { delivery, event, body: event.body, webhook, project };
}

function isUntouched(one: DeliveryRecord): boolean {
  const hasRun = one.runId !== null || one.execution !== undefined || one.runRequested;
  const isDue = one.status === 'pending' && one.queuedIn === undefined && !one.isExpress;
  return isDue && !hasRun && one.replays === 0;
}

/** Opens the round; if no other execution can have been here before, it is open, and needs no write. */
async function open(
  { store, engine }: ActivityDependencies,
  delivery: DeliveryRecord,
  origin: AttemptOrigin | boolean | undefined,
  isForced: boolean,
): Promise<DeliveryRecord | null> {
  const { workflowExecution, attempt, currentAttemptScheduledTimestampMs } = activityInfo();
  if (isUntouched(delivery) && origin === 'first' && attempt === 1) return delivery;
  const { _id } = delivery;
  const { runId } = workflowExecution!;
  const opening = {
    runId,
    isReset: origin === 'reset',
    // Once: a later execution finds what this has written.
    isForced: isForced && attempt === 1,
    scheduledAt: new Date(currentAttemptScheduledTimestampMs),
  };
  // Operators only reset: a start that is not waited for has come late. Earlier versions don't say which it is.
  const startedBy = typeof origin === 'string' ? 'posthorn' : 'operator';
  if (!opening.isReset) return store.rounds.open(_id, opening, startedBy);
  const expected = await store.rounds.open(_id, opening, 'unknown');
  if (expected) return expected;
  const madeBy = (await engine.isOwnReset(_id, runId)) ? 'posthorn' : 'operator';
  return store.rounds.open(_id, opening, madeBy);
}
