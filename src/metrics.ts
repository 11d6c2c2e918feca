import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * What this process counts, for Prometheus (docs/operating.md). Labels have few values: never an id, an
 * address, or a customer's name for something.
 */
export const metrics = new Registry();
collectDefaultMetrics({ register: metrics });

const registers = [metrics];

export const eventsAccepted = new Counter({
  name: 'posthorn_events_accepted_total',
  help: 'Events that were posted, or reported by a provider, and stored, without duplicates.',
  registers,
});

export const attemptDuration = new Histogram({
  name: 'posthorn_attempt_duration_seconds',
  help: 'HTTP exchanges with receivers, by result: the class of the status (2xx …), or the error code.',
  labelNames: ['result'] as const,
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  registers,
});

export const attemptsDeferred = new Counter({
  name: 'posthorn_attempts_deferred_total',
  help: 'Attempts deferred without being made, by the limit that was reached.',
  labelNames: ['reason'] as const,
  registers,
});

export const attemptsReduced = new Counter({
  name: 'posthorn_attempts_reduced_total',
  help: 'Attempts recorded without headers and body, or not counted for their webhook, since MongoDB refused the whole.',
  registers,
});

export const mails = new Counter({
  name: 'posthorn_mails_total',
  help: 'Attempts to send a mail to an owner, by outcome: sent or failed; and dropped, which are over the limit.',
  labelNames: ['outcome'] as const,
  registers,
});

export const deliveriesEnded = new Counter({
  name: 'posthorn_deliveries_ended_total',
  help: 'Deliveries that ended as succeeded, failed, cancelled or, after being pending, skipped; each replay counts again.',
  labelNames: ['status'] as const,
  registers,
});

export const reconcileMended = new Counter({
  name: 'posthorn_reconcile_repaired_total',
  help: 'Events, deliveries, replays and drains that reconcile started, and failures that it followed up.',
  labelNames: ['kind'] as const,
  registers,
});

export const workflowsFailing = new Counter({
  name: 'posthorn_workflows_failing_total',
  help: 'How often a running workflow was found whose tasks keep failing.',
  labelNames: ['kind'] as const,
  registers,
});

export const logLinesDropped = new Counter({
  name: 'posthorn_log_lines_dropped_total',
  help: 'Log lines that could not be written: a full disk, a closed pipe, a reader that has stopped.',
  registers,
});

export const requestDuration = new Histogram({
  name: 'posthorn_http_request_duration_seconds',
  help: 'Requests to the API, by documented route; `none` if the path has none, or the key is wrong.',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  registers,
});

export const unreadableRequests = new Counter({
  name: 'posthorn_http_unreadable_requests_total',
  help: 'Requests that were refused because they are not HTTP, too large or too slow, by error code.',
  labelNames: ['code'] as const,
  registers,
});

export const heldBytes = new Gauge({
  name: 'posthorn_http_held_bytes',
  help: 'Bytes of the bodies of requests in progress, and of responses that clients have not read yet.',
  registers,
});

/** Prometheus sees no increase in a series that begins with it, so the documented ones begin at 0. */
function beginAtZero<Label extends string>(
  counter: Counter<Label>,
  label: Label,
  values: readonly string[],
): void {
  for (const value of values) counter.inc({ [label]: value } as Record<Label, string>, 0);
}
beginAtZero(attemptsDeferred, 'reason', [
  'rate_limit',
  'webhook_busy',
  'project_busy',
  'workers_busy',
]);
beginAtZero(mails, 'outcome', ['sent', 'failed', 'dropped']);
beginAtZero(deliveriesEnded, 'status', ['succeeded', 'failed', 'cancelled', 'skipped']);
beginAtZero(reconcileMended, 'kind', ['events', 'deliveries', 'replays', 'drains', 'failures']);
beginAtZero(workflowsFailing, 'kind', ['events', 'deliveries', 'replays', 'couriers']);
