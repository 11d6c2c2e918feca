import { texts } from '../../texts';
import { formatDuration } from '../../ui/time';
import type { LastAttempt } from '../../api/types';
import styles from './deliveries.module.css';

const words = texts.deliveries;

/** A status code, or in words why there is none. */
export const outcomeOf = ({
  statusCode,
  errorCode,
}: Pick<LastAttempt, 'statusCode' | 'errorCode'>): string =>
  statusCode === undefined ? words.error[errorCode ?? 'unknown'] : String(statusCode);

/** What became of the last attempt. */
export function LastAnswer({
  attempt,
  isEnded = false,
}: {
  attempt: LastAttempt | null;
  isEnded?: boolean;
}): React.ReactNode {
  if (!attempt) {
    return <span className={styles.muted}>{isEnded ? words.notSent : words.noAttempt}</span>;
  }
  return (
    <>
      <span className={attempt.outcome === 'failed' ? styles.bad : undefined}>
        {outcomeOf(attempt)}
      </span>
      <span className={styles.muted}> · {formatDuration(attempt.durationMs)}</span>
    </>
  );
}
