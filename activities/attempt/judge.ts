import { clock } from '../../src/clock';
import type { AttemptPolicy } from '../../src/contracts/activities';
import type { SendResult } from '../../src/delivery/http';
import { isGone, isSuccess, retryAfterMs } from '../../src/domain/outcome';
import { nextDelayMs } from '../../src/domain/schedule';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { AttemptResult } from '../../src/store/rounds';

/** What the answer makes of the delivery. */
export function judge(
  answer: SendResult,
  { attempts, roundStart }: DeliveryRecord,
  policy: AttemptPolicy,
): AttemptResult {
  const statusCode = answer.kind === 'response' ? answer.statusCode : undefined;
  if (statusCode !== undefined && isSuccess(statusCode)) {
    return { status: 'succeeded', nextDelayMs: null };
  }
  if (isGone(statusCode)) return { status: 'failed', nextDelayMs: null };
  // What was asked for stands, even if the body after it did not come whole.
  const asked = retryAfterMs(answer.statusCode, answer.retryAfter ?? [], clock.now().getTime());
  const made = attempts.filter(({ number, superseded }) => number > roundStart && !superseded);
  const delayMs = nextDelayMs(policy, made.length + 1, Math.random(), asked);
  return { status: delayMs === null ? 'failed' : 'pending', nextDelayMs: delayMs };
}
