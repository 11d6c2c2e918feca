import type { DeliveryPolicy } from './delivery';

/** How the attempts of one round are timed; it keeps that from its first attempt on. */
export type AttemptPolicy = Pick<DeliveryPolicy, 'timeoutMs' | 'retryDelaysMs'>;

/** What a delivery workflow is started with: ids, numbers and names; never a payload, URL or secret. */
export interface DeliverInput {
  deliveryId: string;
  eventId: string;
  webhookId: string;
  projectId: string;
  eventType: string;
  /** What the Web UI shows for its attempts; workflows started by earlier versions have none. */
  webhookName?: string;
  /** In force when it was started: a later round, in a run made by a reset, may have another. */
  policy: AttemptPolicy;
}

/** A delivery to start, with what the Web UI shows of it: `email.sent → Orders`. */
export interface PlannedDelivery extends DeliverInput {
  summary: string;
  /** Run by its project's courier; it has no workflow. */
  isExpress?: true;
}

export interface DeliveryPlan {
  deliveries: PlannedDelivery[];
  /** The webhook id to continue after, if there are more. */
  next?: string;
  /** It is recorded that the event is planned; by earlier versions in a step of its own, after the starts. */
  isMarked?: true;
  /** Nothing was planned, since there are filters to evaluate; the project they belong to. */
  filtersOf?: string;
}

/**
 * How a round of attempts ended. `held`: its webhook is paused, the delivery waits in MongoDB; `queued`: its
 * next attempt may not be made yet, and it waits there too; `skipped`: its webhook is disabled; `gone`: the
 * delivery no longer exists (its project was deleted).
 */
export type RoundResult =
  'succeeded' | 'failed' | 'cancelled' | 'held' | 'queued' | 'skipped' | 'gone';

/** How a round ended. */
export interface RoundEnd {
  result: RoundResult;
  /**
   * The run that it ended in, the only one it counts for: a reset copies earlier results into its own run.
   */
  runId: string;
}

/**
 * Which of its delivery's activities an attempt belongs to: the first of a workflow's first run, with nothing
 * before it; a later one of that run; or one of a run created by a reset.
 */
export type AttemptOrigin = 'first' | 'later' | 'reset';

/** ApplicationFailure types thrown by activities. */
export const FAILURE_TYPES = {
  /** The receiver did not accept it; another attempt follows after `nextRetryDelay`. */
  attemptFailed: 'AttemptFailed',
  /** Nothing was sent: it was not its turn, and is tried again after `nextRetryDelay`. */
  attemptDeferred: 'AttemptDeferred',
  /** No attempt was made or recorded, through no fault of the receiver; it is made after `nextRetryDelay`. */
  attemptLost: 'AttemptLost',
  /** Nothing was sent: the round has another policy than the workflow, which schedules it again by that. */
  policyChanged: 'PolicyChanged',
  /** Nothing was planned, since other plans of the project come first; retried after `nextRetryDelay`. */
  planDeferred: 'PlanDeferred',
  /** A courier's shift was told to stop; the next one begins after `nextRetryDelay`. */
  shiftStopped: 'ShiftStopped',
  /** A bulk replay waits, for what is queued to be sent or for its rate; looked at again after `nextRetryDelay`. */
  replayDeferred: 'ReplayDeferred',
  /** The delivery is `failed`: no attempt follows. */
  deliveryFailed: 'DeliveryFailed',
} as const;

/** The message of a `DeliveryFailed`: all that the SDK logs of a workflow's failure. */
export const DELIVERY_FAILED_MESSAGE = 'every attempt failed';

/** `details[0]` of all of those but a `DeliveryFailed`. */
export interface NextAttemptDetails {
  /** Milliseconds until the activity is tried again. */
  nextDelayMs: number;
  /** Of a `PolicyChanged`: the round's. */
  policy?: AttemptPolicy;
}

/** `details[0]` of a `DeliveryFailed`. */
export type FailedDetails = Pick<RoundEnd, 'runId'>;

/** One execution of an activity: Temporal may run several, one after the other. */
export interface ExecutionId {
  runId: string;
  activityId: string;
  attempt: number;
}

/** The parts of reconcile, each with its own schedule, so that none delays another. */
export type ReconcilePart = 'events' | 'deliveries' | 'housekeeping';

/**
 * Attempts in progress within workflow tasks, for each worker process: each holds one of its slots for these, for
 * as long as its receiver takes.
 */
export const MAX_AT_ONCE = 4;

/** Activities that the workflows call; made by `createActivities`. */
export interface Activities {
  /**
   * Writes the delivery documents for one page of an event's webhooks and returns those to be started.
   * Idempotent: a delivery is unique by event and webhook. A page with filters is left to
   * `planFilteredDeliveries`; the result says so.
   */
  planDeliveries(eventId: string, afterWebhookId?: string): Promise<DeliveryPlan>;
  /** The same for a page with filters, which waits for its project's turn to evaluate them. */
  planFilteredDeliveries(
    eventId: string,
    projectId: string,
    afterWebhookId?: string,
  ): Promise<DeliveryPlan>;
  /** Records that the event is planned, where the plan has not. */
  markFannedOut(eventId: string): Promise<void>;
  /**
   * The first attempt, within the workflow's first task, if it can be expected to end soon.
   * @returns null if the delivery has not ended by it: `attemptDelivery` continues
   */
  attemptAtOnce(
    deliveryId: string,
    policy: AttemptPolicy,
    webhookId: string,
    origin: AttemptOrigin,
  ): Promise<RoundEnd | null>;
  /**
   * Signs, POSTs once, records the attempt and the webhook's health. Throws the FAILURE_TYPES.
   * @param origin earlier versions passed something else here
   * @param isForced made regardless of the time
   * @param takesPolicy the workflow goes on after a `PolicyChanged`; those of earlier versions can't
   */
  attemptDelivery(
    deliveryId: string,
    policy: AttemptPolicy,
    origin?: AttemptOrigin | boolean,
    isForced?: boolean,
    takesPolicy?: boolean,
  ): Promise<RoundEnd>;
  /**
   * Ends a delivery that has not ended as `cancelled`, unless it was replayed since that was asked for.
   * @param mayBeRequested in a run that was created by a reset, or has attempted nothing yet
   * @param toldAtMs when the run was told to, by Temporal's clock
   * @param replays how often it had been replayed when that was asked for, if known
   * @returns how it ended, and in which run, if known; not in this one: this one goes on
   */
  cancelDelivery(
    deliveryId: string,
    mayBeRequested: boolean,
    toldAtMs: number,
    replays?: number | null,
  ): Promise<RoundEnd>;
  /**
   * How a delivery has ended, if it has ended for this run.
   * @param isReset in a run created by a reset
   */
  findEnd(deliveryId: string, isReset: boolean): Promise<RoundResult | null>;
  /** Replays the next deliveries of a bulk replay, at its rate; false when it ended or was stopped. */
  replayBatch(replayId: string): Promise<boolean>;
  /** For earlier versions' workflows, which released held deliveries: leaves them to the courier. */
  drainBatch(webhookId: string): Promise<boolean>;
  /**
   * Works off a project's queue while something is due: releases what was held or had to wait, and plans,
   * signs, POSTs and records what is dispatched `express`. One runs for a project at a time; the counts of
   * its shift are its heartbeat details.
   */
  deliverQueued(projectId: string): Promise<CourierShift>;
  /**
   * Starts what was accepted but has no running workflow, and cleans up.
   * @param part repeats that part for some minutes; without it everything is done once, as workflows of
   *   earlier versions expect
   * @param graceMs how overdue something must be to be looked at
   */
  reconcile(part?: ReconcilePart, graceMs?: number): Promise<ReconcileReport>;
}

/** How a courier's shift ended. */
export interface CourierShift {
  /** Milliseconds until something in its project is due; 0: continue at once; null: nothing waits. */
  nextDueMs: number | null;
}

/** How many a run of reconcile had to start, or to follow up. */
export interface ReconcileReport {
  events: number;
  deliveries: number;
  replays: number;
  drains: number;
  failures: number;
}
