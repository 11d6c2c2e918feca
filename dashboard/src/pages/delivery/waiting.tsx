import { SECOND_MS } from '../../../../src/domain/durations';
import type { ExplainedDelivery } from '../../api/types';
import { texts } from '../../texts';
import { Notice } from '../../ui/layout';
import { formatDuration, useFormatTime, useNow } from '../../ui/time';
import { outcomeOf } from '../deliveries/answer';
import { remedyOf } from './remedy';

const words = texts.deliveries.one;

/** Why it has not arrived, and when it is tried again. */
export function Waiting({
  delivery,
  refusal,
}: {
  delivery: ExplainedDelivery;
  /** Why whoever is signed in can't have it sent; null: they can. */
  refusal: string | null;
}): React.ReactNode {
  const { pending, endReason, status, lastAttempt } = delivery;
  if (pending) return <Pending pending={pending} refusal={refusal} />;
  if (endReason) {
    return (
      <Notice tone="neutral" title={words.endedBy(texts.deliveries.endReason[endReason])}>
        {refusal ?? (status === 'skipped' && words.skippedAdvice)}
      </Notice>
    );
  }
  if (status === 'failed' && lastAttempt) {
    return (
      <Notice tone="danger" title={words.gaveUp(outcomeOf(lastAttempt), delivery.attemptCount)}>
        {remedyOf(lastAttempt)} {refusal ?? words.gaveUpAdvice}
      </Notice>
    );
  }
  return refusal !== null && <Notice tone="neutral">{refusal}</Notice>;
}

function Pending({
  pending,
  refusal,
}: {
  pending: NonNullable<ExplainedDelivery['pending']>;
  refusal: string | null;
}): React.ReactNode {
  const now = useNow();
  const format = useFormatTime();
  const { reason, attempt, nextAttemptAt } = pending;
  const leftMs = nextAttemptAt === null ? 0 : Date.parse(nextAttemptAt) - now;
  const isCounted = reason === 'waiting_for_retry' && nextAttemptAt !== null;
  return (
    <Notice
      tone={reason === 'workflow_failing' || reason === 'unknown' ? 'warning' : 'info'}
      title={isCounted ? words.countdown(attempt, clock(leftMs)) : `${words.reason[reason]}.`}
    >
      {isCounted ? words.waitsUntil(format(nextAttemptAt)) : words.reasonMeans[reason]} {refusal}
    </Notice>
  );
}

/** Second by second, as long as that says something. */
function clock(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / SECOND_MS));
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return formatDuration(leftMs);
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
}
