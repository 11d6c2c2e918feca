import type { Attempt, ExplainedDelivery } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Timeline, type Step } from '../../ui/timeline';
import { formatDuration, Time } from '../../ui/time';
import { LastAnswer } from '../deliveries/answer';
import styles from './delivery.module.css';

const words = texts.deliveries.one;

/** What was attempted, what comes next, and what would come after that. */
export function Attempts({
  delivery,
  shown,
  onShow,
}: {
  delivery: ExplainedDelivery;
  /** The number of the attempt whose request and answer are shown. */
  shown: number | undefined;
  onShow: (number: number) => void;
}): React.ReactNode {
  const { attempts, attemptCount } = delivery;
  const begun: Step = {
    id: 'created',
    tone: 'neutral',
    icon: 'event',
    content: (
      <p>
        {words.created} <Time value={delivery.createdAt} />
      </p>
    ),
  };
  const made = attempts.map((attempt, index): Step => ({
    id: String(attempt.number),
    tone: attempt.outcome === 'succeeded' ? 'success' : 'danger',
    icon: attempt.outcome === 'succeeded' ? 'success' : 'failure',
    content: (
      <Made
        attempt={attempt}
        isReplay={index > 0 && attempts[index - 1]!.runId !== attempt.runId}
        isShown={attempt.number === shown}
        onShow={() => onShow(attempt.number)}
      />
    ),
  }));
  const hidden = attemptCount - attempts.length;
  const left: Step[] =
    hidden <= 0
      ? []
      : [{ id: 'hidden', tone: 'neutral', icon: 'more', content: words.notKept(hidden) }];
  return (
    <Timeline label={words.timeline} steps={[begun, ...left, ...made, ...planned(delivery)]} />
  );
}

function Made({
  attempt,
  isReplay,
  isShown,
  onShow,
}: {
  attempt: Attempt;
  isReplay: boolean;
  isShown: boolean;
  onShow: () => void;
}): React.ReactNode {
  return (
    <button type="button" className={styles.attempt} aria-pressed={isShown} onClick={onShow}>
      <span className={styles.attemptHead}>
        <strong>{words.attempt(attempt.number)}</strong>
        {isReplay && <Badge icon="replay">{words.newRun}</Badge>}
        {attempt.resent && <Badge>{words.resent}</Badge>}
        {attempt.superseded && <Badge>{words.superseded}</Badge>}
      </span>
      <span>
        <LastAnswer attempt={attempt} />
      </span>
      <span className={styles.muted}>
        <Time value={attempt.startedAt} />
      </span>
    </button>
  );
}

/** Of a delivery that has ended: nothing. */
function planned({ pending, nextAttemptAt }: ExplainedDelivery): Step[] {
  if (!pending) return [];
  const { attempt, laterDelaysMs, reason } = pending;
  const next: Step = {
    id: 'next',
    tone: 'info',
    icon: 'clock',
    content: (
      <p>
        <strong>{words.attempt(attempt)}</strong>{' '}
        {reason === 'waiting_for_retry' ? <Time value={nextAttemptAt} /> : words.reason[reason]}
      </p>
    ),
  };
  const later = laterDelaysMs.map((delayMs, index): Step => ({
    id: `later-${index}`,
    tone: 'neutral',
    icon: 'clock',
    content: (
      <p className={styles.muted}>
        <strong>{words.attempt(attempt + index + 1)}</strong>{' '}
        {words.ifFails(formatDuration(delayMs))}
      </p>
    ),
  }));
  return [next, ...later];
}
