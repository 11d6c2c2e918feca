import type {
  Attempt,
  AttemptErrorCode,
  DeliveryPolicy,
  DeliveryStatus,
} from '../contracts/delivery';
import { retryAfterValueMs } from './retry-after';
import { nextDelayMs } from './schedule';

/** What a recorded attempt makes of its delivery. */
export interface AttemptResult {
  status: Extract<DeliveryStatus, 'pending' | 'succeeded' | 'failed'>;
  /** Milliseconds until the next attempt; null: none follows. */
  nextDelayMs: number | null;
}

/** The part of an answer that decides; for an `error`, what arrived of a response before it failed. */
interface Answer {
  kind: 'response' | 'error';
  statusCode?: number;
  retryAfter?: readonly string[];
}

/** What an HTTP answer means for its delivery (docs/contract.md, 3.3). */
export function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

/** The status of what has failed by its head, whatever becomes of its body. */
export function failedStatus({ statusCode }: Pick<Answer, 'statusCode'>): number | undefined {
  return statusCode === undefined || isSuccess(statusCode) ? undefined : statusCode;
}

/** The receiver wants no more deliveries; ends the delivery and disables the webhook. */
export const GONE = 410;

export function isGone(statusCode: number | undefined): boolean {
  return statusCode === GONE;
}

const OVERLOAD_STATUSES: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504]);
const OVERLOAD_ERRORS: ReadonlySet<AttemptErrorCode> = new Set([
  'timeout',
  'connection_refused',
  'connection_reset',
]);

/** Whether an answer says that the receiver, or something in front of it, has too much to do. */
export function isOverload(
  answer: { kind: 'response'; statusCode: number } | { kind: 'error'; errorCode: AttemptErrorCode },
): boolean {
  return answer.kind === 'response'
    ? OVERLOAD_STATUSES.has(answer.statusCode)
    : OVERLOAD_ERRORS.has(answer.errorCode);
}

/** Whether it failed on the side of whoever operates Posthorn, and so says nothing about the receiver. */
export function isOperators({ errorCode }: { errorCode?: AttemptErrorCode }): boolean {
  return errorCode === 'egress';
}

/**
 * Milliseconds that a 429 or 503 asks to wait by Retry-After, or 0; the longest if there are several.
 * @param nowMs Unix milliseconds, for dates
 */
export function retryAfterMs(
  statusCode: number | undefined,
  retryAfter: readonly string[],
  nowMs: number,
): number {
  if (statusCode !== 429 && statusCode !== 503) return 0;
  return Math.max(0, ...retryAfter.map((value) => retryAfterValueMs(value, nowMs)));
}

/** The attempts that have used up a part of the schedule. */
export const madeInRound = ({
  attempts,
  roundStart,
}: {
  attempts: readonly Attempt[];
  roundStart: number;
}): Attempt[] => attempts.filter(({ number, superseded }) => number > roundStart && !superseded);

/** The last one that was not only logged; undefined: none was made. */
export const lastCounting = <T extends Pick<Attempt, 'superseded'>>(
  attempts: readonly T[],
): T | undefined => attempts.findLast(({ superseded }) => !superseded);

/**
 * What the answer makes of the delivery.
 * @param delivery with its earlier attempts, those of earlier rounds too
 * @param nowMs Unix milliseconds, for a Retry-After that is a date
 * @param random a number from [0, 1), the source of the jitter
 */
export function judge(
  answer: Answer,
  delivery: { attempts: readonly Attempt[]; roundStart: number },
  policy: Pick<DeliveryPolicy, 'retryDelaysMs'>,
  { nowMs, random }: { nowMs: number; random: number },
): AttemptResult {
  const { kind, statusCode } = answer;
  // Whole, since a receiver that breaks off may not have done what it was about to confirm.
  if (kind === 'response' && statusCode !== undefined && isSuccess(statusCode)) {
    return { status: 'succeeded', nextDelayMs: null };
  }
  // These count, even if the body after them did not come whole.
  if (isGone(statusCode)) return { status: 'failed', nextDelayMs: null };
  const asked = retryAfterMs(answer.statusCode, answer.retryAfter ?? [], nowMs);
  const delayMs = nextDelayMs(policy, madeInRound(delivery).length + 1, random, asked);
  return { status: delayMs === null ? 'failed' : 'pending', nextDelayMs: delayMs };
}
