import { texts } from '../../texts';
import { formatDuration } from '../../ui/time';
import styles from './form.module.css';

const words = texts.webhooks.form;

/** When a delivery is attempted, if nobody answers. */
export function Schedule({ delaysMs }: { delaysMs: readonly number[] }): React.ReactNode {
  const times = [0];
  for (const delay of delaysMs) times.push(times.at(-1)! + delay);
  return (
    <div>
      <ol className={styles.schedule} aria-label={words.scheduleLabel}>
        {times.map((time, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- the attempt's number
          <li key={index} className={styles.point}>
            <strong>{words.attempt(index + 1)}</strong>
            <span>{index === 0 ? words.atOnce : words.after(formatDuration(time))}</span>
          </li>
        ))}
      </ol>
      <p className={styles.muted}>{words.gaveUp(formatDuration(times.at(-1)!))}</p>
    </div>
  );
}
