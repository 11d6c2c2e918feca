import { clock } from '../../src/clock';
import type { AttemptPolicy } from '../../src/contracts/activities';
import type { Attempt } from '../../src/contracts/delivery';
import type { SendResult } from '../../src/delivery/http';
import { withoutCredentials } from '../../src/domain/credential-header';
import { failedStatus, isOperators, isSuccess, judge } from '../../src/domain/outcome';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { storedHeaders } from '../../src/store/stored-headers';
import type { ActivityDependencies } from '../dependencies';
import { requestHeaders } from './request-headers';
import type { Subject } from './subject';

export interface Exchange {
  startedAt: Date;
  headers: Record<string, string>;
  answer: SendResult;
}

/**
 * Whether it failed without an answer. That is nobody's fault if this process was suspended meanwhile: its timers ran
 * out, or the other side gave up the connection.
 */
export const isUnanswered = ({ answer }: Exchange): boolean =>
  answer.kind === 'error' && failedStatus(answer) === undefined;

/**
 * Signs and sends it; what can't be signed is a failed attempt like any other.
 * @param mayStillSend asked again once it is connected
 * @throws if it may no longer be sent
 */
export async function exchange(
  deps: ActivityDependencies,
  subject: Subject,
  { timeoutMs }: AttemptPolicy,
  mayStillSend?: () => boolean,
): Promise<Exchange> {
  const startedAt = clock.now();
  const beganAt = performance.now();
  const about = { deliveryId: subject.delivery._id, webhookId: subject.webhook._id };
  let headers: Record<string, string>;
  try {
    headers = requestHeaders(deps, subject, startedAt);
  } catch (error) {
    deps.log.error({ ...about, err: error }, 'an attempt could not be signed');
    return {
      startedAt,
      headers: {},
      answer: {
        kind: 'error',
        durationMs: 0,
        errorCode: 'secret_unreadable',
        errorMessage: "nothing was sent: the webhook's secret or headers could not be decrypted",
      },
    };
  }
  const { webhook, body } = subject;
  const answer = await deps.sender.send({
    url: webhook.url,
    headers,
    body,
    timeoutMs,
    beganAt,
    mayStillSend,
  });
  if (answer.kind === 'error' && isOperators(answer)) {
    const reason = answer.errorMessage;
    deps.log.error({ ...about, reason }, 'an attempt could not leave this worker');
  }
  return { startedAt, headers, answer };
}

/** What it makes of the delivery. */
export function judged({ answer }: Exchange, delivery: DeliveryRecord, policy: AttemptPolicy) {
  const at = { nowMs: clock.now().getTime(), random: Math.random() };
  return { ...judge(answer, delivery, policy, at), policy };
}

export function logged(
  { startedAt, headers, answer }: Exchange,
  runId: string,
  { timeoutMs }: AttemptPolicy,
): Omit<Attempt, 'number' | 'superseded'> {
  const made = {
    runId,
    startedAt,
    requestHeaders: storedHeaders(withoutCredentials(headers)),
    // A process that was suspended measures more than the exchange took.
    durationMs: Math.min(answer.durationMs, timeoutMs),
    ...(answer.resent && { resent: answer.resent }),
  };
  const { statusCode, headers: answered, body, isBodyCut } = answer;
  const arrived = {
    ...(answered && { responseHeaders: storedHeaders(answered) }),
    ...(body !== undefined && { responseBody: body }),
    ...(isBodyCut && { responseBodyCut: isBodyCut }),
  };
  if (answer.kind === 'error') {
    const { errorCode, errorMessage } = answer;
    const status = failedStatus(answer);
    // Either says why it has failed.
    if (status !== undefined) {
      return { ...made, outcome: 'failed', statusCode: status, errorMessage, ...arrived };
    }
    const withStatus = statusCode === undefined ? '' : `, after status ${statusCode}`;
    const message = errorMessage + withStatus;
    return { ...made, outcome: 'failed', errorCode, errorMessage: message, ...arrived };
  }
  const outcome = isSuccess(answer.statusCode) ? 'succeeded' : 'failed';
  return { ...made, outcome, statusCode: answer.statusCode, ...arrived };
}
