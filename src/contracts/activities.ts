import type { DeliveryPolicy } from './delivery';

/** How the attempts of one delivery are timed; frozen when the delivery is planned. */
export type AttemptPolicy = Pick<DeliveryPolicy, 'timeoutMs' | 'retryDelaysMs'>;

/** What a delivery workflow is started with: ids, numbers and names; never a payload, URL or secret. */
export interface DeliverInput {
  deliveryId: string;
  eventId: string;
  webhookId: string;
  projectId: string;
  eventType: string;
  /** What the Web UI shows of its attempts; those that earlier versions have started have none. */
  webhookName?: string;
  policy: AttemptPolicy;
}

/** A delivery to start, with what the Web UI shows of it: `email.sent → Orders`. */
export interface PlannedDelivery extends DeliverInput {
  summary: string;
  /** Its project's courier runs it; it has no workflow. */
  isExpress?: true;
}

export interface DeliveryPlan {
  deliveries: PlannedDelivery[];
  /** The webhook id to go on after, when there are more. */
  next?: string;
  /** Nothing was planned, since there are filters to judge; the project whose they are. */
  filtersOf?: string;
}

/**
 * How a round of attempts ended. `held`: its webhook is paused, the delivery waits in MongoDB; `queued`: its
 * next attempt may not be made yet, and it waits there likewise; `skipped`: its webhook is disabled; `gone`:
 * the delivery no longer exists (its project was deleted).
 */
export type RoundResult =
  'succeeded' | 'failed' | 'cancelled' | 'held' | 'queued' | 'skipped' | 'gone';

/** How a round ended. */
export interface RoundEnd {
  result: RoundResult;
  /**
   * The run that it ended in, and counts in alone: a reset takes what was answered before it along into
   * its own run.
   */
  runId: string;
}

/**
 * What an attempt's activity is among those of its delivery: the first of a workflow's first run, which
 * nothing came before; a later one of that run; or one of a run that a reset has made.
 */
export type AttemptOrigin = 'first' | 'later' | 'reset';

/** ApplicationFailure types thrown by `attemptDelivery`. */
export const FAILURE_TYPES = {
  /** The receiver did not take it; another attempt follows after `nextRetryDelay`. */
  attemptFailed: 'AttemptFailed',
  /** Nothing was sent: it was not its turn, and is tried again after `nextRetryDelay`. */
  attemptDeferred: 'AttemptDeferred',
  /** No attempt was made or recorded, by no fault of the receiver; it is made after `nextRetryDelay`. */
  attemptLost: 'AttemptLost',
  /** Nothing was planned: other plans of the project go first; tried again after `nextRetryDelay`. */
  planDeferred: 'PlanDeferred',
  /** The delivery is `failed`: no attempt follows. */
  deliveryFailed: 'DeliveryFailed',
} as const;

/** The message of a `DeliveryFailed`: all that is left of it where the SDK logs a workflow's failure. */
export const DELIVERY_FAILED_MESSAGE = 'every attempt failed';

/** `details[0]` of an `AttemptFailed` or `AttemptDeferred`. */
export interface NextAttemptDetails {
  /** Milliseconds until the next attempt. */
  nextDelayMs: number;
}

/** `details[0]` of a `DeliveryFailed`. */
export type FailedDetails = Pick<RoundEnd, 'runId'>;

/** One execution of an activity: Temporal may have several, one after the other. */
export interface ExecutionId {
  runId: string;
  activityId: string;
  attempt: number;
}

/**
 * How the latest run of a delivery's workflow stands: `waiting` for the time that its last attempt has
 * asked for; `failing`: it runs, but its tasks fail again and again; null where Temporal has none.
 */
export type FoundRun = 'running' | 'waiting' | 'failing' | 'ended' | null;

/** What reconcile does, each by a schedule of its own, so that none keeps another waiting. */
export const RECONCILE_PARTS = ['events', 'deliveries', 'housekeeping'] as const;
export type ReconcilePart = (typeof RECONCILE_PARTS)[number];

/** Activities that the workflows call; made by `createActivities`. */
export interface Activities {
  /**
   * Writes the delivery documents of one page of an event's webhooks and answers those to be started.
   * Idempotent: a delivery is unique by event and webhook.
   * A page on which there are filters it leaves to `planFilteredDeliveries`, and says so.
   */
  planDeliveries(eventId: string, afterWebhookId?: string): Promise<DeliveryPlan>;
  /** The same for a page with filters, which waits for its project's turn to judge them. */
  planFilteredDeliveries(
    eventId: string,
    projectId: string,
    afterWebhookId?: string,
  ): Promise<DeliveryPlan>;
  /** Notes that every delivery of the event has been started. */
  markFannedOut(eventId: string): Promise<void>;
  /**
   * Signs, POSTs once, records the attempt and the webhook's health. Throws by FAILURE_TYPES.
   * @param origin earlier versions told something else here
   * @param isForced made whatever the time
   */
  attemptDelivery(
    deliveryId: string,
    policy: AttemptPolicy,
    origin?: AttemptOrigin | boolean,
    isForced?: boolean,
  ): Promise<RoundEnd>;
  /**
   * Ends a delivery that has not ended as `cancelled`.
   * @param isReset in a run that a reset has made
   * @returns how it ended, and in which run, where that is known
   */
  cancelDelivery(deliveryId: string, isReset?: boolean): Promise<RoundEnd>;
  /** Replays the next deliveries of a bulk replay, at its rate; false when it ended or was stopped. */
  replayBatch(replayId: string): Promise<boolean>;
  /** Of earlier versions' workflows, which let held deliveries go: leaves them to the courier. */
  drainBatch(webhookId: string): Promise<boolean>;
  /**
   * Works a project's queue off, for as long as something is due: lets go what was held or had to wait,
   * and plans, signs, POSTs and records what is dispatched `express`. One runs for a project at a time; the
   * counts of its shift are its heartbeat's details.
   */
  deliverQueued(projectId: string): Promise<CourierShift>;
  /**
   * Starts what was accepted but has no running workflow, and clears up.
   * @param part looks for that again and again, for some minutes; without it all is done once, which is what
   *   workflows of earlier versions ask for
   * @param graceMs how far behind something must be to be looked at
   */
  reconcile(part?: ReconcilePart, graceMs?: number): Promise<ReconcileReport>;
}

/** How a courier's shift ended. */
export interface CourierShift {
  /** Milliseconds until something of its project is due; 0: go on at once; null: nothing waits. */
  nextDueMs: number | null;
}

/** How much a run of reconcile had to start. */
export interface ReconcileReport {
  events: number;
  deliveries: number;
  replays: number;
  drains: number;
}
