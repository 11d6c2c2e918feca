import { clock } from '../../clock';
import type { Attempt, DeferralReason } from '../../contracts/delivery';
import { courierWorkflowId } from '../../contracts/temporal';
import type { ChangedBy } from '../../domain/changed-by';
import { lastCounting, madeInRound, retryAfterMs } from '../../domain/outcome';
import type { DeliveryRecord } from '../../store/delivery-record';
import { toPlanned } from '../../store/planned-delivery';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import { isPausedInTemporal, type FoundActivity } from '../../temporal/described';
import type { Engine } from '../../temporal/engine';
import type { PendingExplanation } from '../schemas/delivery';

/**
 * Uses the running workflow; undefined for a delivery that has ended.
 * @param reader a customer is told nothing of what the platform runs, which they neither know nor can repair
 */
export async function explainPending(
  delivery: DeliveryRecord,
  project: ProjectRecord,
  store: Store,
  engine: Engine,
  reader: ChangedBy,
): Promise<PendingExplanation | undefined> {
  if (delivery.status !== 'pending' && delivery.status !== 'held') return undefined;
  const webhook = await store.webhooks.get(project._id, delivery.webhookId);
  const isPaused = webhook?.isPaused ?? false;
  const attempt = delivery.attemptCount + 1;
  const laterDelaysMs = webhook
    ? toPlanned(delivery, webhook, project).policy.retryDelaysMs.slice(madeInRound(delivery).length)
    : [];
  const explain = (
    reason: PendingExplanation['reason'],
    message: string,
    nextAttemptAt: Date | null = null,
  ): PendingExplanation => ({
    reason,
    message: (reader === 'customer' && FOR_CUSTOMERS[reason]) || message,
    attempt,
    nextAttemptAt,
    laterDelaysMs: [...laterDelaysMs],
  });

  const isQueued = delivery.queuedIn !== undefined;
  if (isPaused && (delivery.status === 'held' || isQueued)) {
    return explain('webhook_paused', 'the webhook is paused; it is delivered after a resume');
  }
  const { deferredFor } = delivery;
  const courierActivity = () =>
    engine.find(courierWorkflowId(project._id)).catch(() => 'unreachable' as const);
  if (delivery.status === 'held' || (isQueued && deferredFor)) {
    const courier = await courierActivity();
    if (courier !== 'unreachable' && isPausedInTemporal(courier)) {
      return explain('paused', COURIER_PAUSED);
    }
  }
  if (delivery.status === 'held') {
    const message = 'the webhook was paused; it is delivered in its turn, in the order of events';
    return explain('webhook_paused', message);
  }
  if (isQueued && deferredFor) {
    return explain(deferredFor, `attempt ${attempt} waits because ${DEFERRED[deferredFor]}`);
  }
  const at = delivery.nextAttemptAt;
  // Then the attempt before it is about to end, or its task only waits for that time, with or without a worker.
  const isEarly = at !== null && at > clock.now();
  const explainWait = (): PendingExplanation => {
    const why = cause(lastCounting(delivery.attempts));
    const message = `attempt ${attempt} waits until ${at?.toISOString()} because ${why}`;
    return explain(
      'waiting_for_retry',
      isPaused ? `${message}; the webhook is paused, so it will be held then` : message,
      at,
    );
  };
  if (delivery.isExpress) {
    if (isEarly) return explainWait();
    return explainByCourier(await courierActivity(), attempt, explain);
  }
  const activity = await engine.activityOf(delivery._id).catch(() => 'unreachable' as const);
  switch (activity) {
    case 'unreachable':
      return explain('unknown', UNREACHABLE);
    case 'ended':
    case null:
      // Reconcile starts one when it is due.
      if (isEarly) break;
      return explain('starting', 'its workflow is about to be started');
    case 'queued':
      if (isEarly) break;
      return explain('waiting_for_worker', 'no worker has taken it yet');
    case 'attempting':
      if (isEarly) break;
      return explain('attempt_running', `attempt ${attempt} is running`);
    case 'failing':
      return explain(
        'workflow_failing',
        'the tasks of its workflow keep failing; the Temporal Web UI shows the cause. It continues when a worker can run them, or once the workflow is reset or terminated',
        delivery.nextAttemptAt,
      );
    case 'paused':
      return explain(
        'paused',
        'this delivery was paused by a signal to its workflow; it continues when it is resumed by one, or retried',
      );
    case 'activity_paused':
      return explain(
        'paused',
        `attempt ${attempt} was paused in Temporal, by its Web UI or command line; it continues when it is unpaused there, or retried`,
      );
    case 'workflow_paused':
      return explain(
        'paused',
        'its workflow was paused in Temporal, by its Web UI or command line; it continues when it is unpaused there',
      );
    case 'waiting':
    case 'due':
      if (isEarly) break;
      return explain('waiting_for_worker', `attempt ${attempt} is due: ${DUE}`);
  }
  return explainWait();
}

/** A due delivery that its project's courier sends. */
function explainByCourier(
  courier: FoundActivity | 'unreachable' | null,
  attempt: number,
  explain: (reason: PendingExplanation['reason'], message: string) => PendingExplanation,
): PendingExplanation {
  switch (courier) {
    case 'unreachable':
      return explain('unknown', UNREACHABLE);
    case 'ended':
    case 'idle':
    case null:
      return explain('starting', "its project's courier is about to begin");
    case 'queued':
    // After it has lost the worker that it had.
    case 'waiting':
    case 'due':
      return explain('waiting_for_worker', "no worker has taken its project's courier yet");
    case 'attempting':
      return explain('attempt_running', `attempt ${attempt} is running, or about to start`);
    case 'failing':
      return explain(
        'workflow_failing',
        "the tasks of its project's courier keep failing; the Temporal Web UI shows the cause. It continues when a worker can run them, or once that workflow is terminated",
      );
    case 'paused':
    case 'activity_paused':
    case 'workflow_paused':
      break;
  }
  return explain('paused', COURIER_PAUSED);
}

const FOR_CUSTOMERS: Partial<Record<PendingExplanation['reason'], string>> = {
  starting: 'it is about to be sent',
  waiting_for_worker: 'it is sent as soon as there is room',
  workflow_failing: 'the platform has to repair something; it is delivered once that is done',
  workers_busy: 'it is sent as soon as there is room',
  paused:
    'the platform has paused it; it continues when they resume it, or when a retry ends their pause',
  unknown: 'the platform has to repair something; it is delivered once that is done',
};

const COURIER_PAUSED =
  "its project's courier was paused in Temporal, by its Web UI or command line; it continues when that is unpaused there";

const DUE =
  'no worker has taken it yet, or its worker died, and the attempt is made again once that is detected';

const UNREACHABLE = 'Temporal is unavailable; it is delivered when Temporal is back';

const DEFERRED: Record<DeferralReason, string> = {
  rate_limit:
    "the webhook's rate limit (policy.ratePerSecond) is used up, or other deliveries are ahead of it",
  webhook_busy:
    'this webhook already has its maximum number of attempts running, or other deliveries are ahead of it',
  project_busy:
    'this project has reached its maximum of running or due attempts, which leaves capacity for other projects',
  workers_busy:
    'the workers are busy; retries and slow webhooks wait while the remaining slots are kept for others',
  replay: 'it is part of a bulk replay, and new deliveries go first',
};

/** Whether it can have put off the next attempt; several are logged joined, and a date has a comma of its own. */
function isHeeded({ statusCode, startedAt, durationMs }: Attempt, asked: string): boolean {
  const endedMs = startedAt.getTime() + durationMs;
  return retryAfterMs(statusCode, [asked, ...asked.split(', ')], endedMs) > 0;
}

function cause(last: Attempt | undefined): string {
  if (!last) return 'an attempt was lost with its worker';
  const failed = `attempt ${last.number} failed`;
  if (last.statusCode === undefined) {
    return `${failed}: ${last.errorCode} (${last.errorMessage})`;
  }
  const asked = last.responseHeaders?.['retry-after'];
  return asked === undefined || !isHeeded(last, asked)
    ? `${failed} with status ${last.statusCode}`
    : `${failed} with status ${last.statusCode} and Retry-After: ${asked}`;
}
