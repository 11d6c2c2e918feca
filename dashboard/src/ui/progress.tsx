import styles from './progress.module.css';

/** How far something is, as a bar and in words. */
export function Progress({
  done,
  of,
  label,
  text,
}: {
  done: number;
  of: number;
  /** What it is of, for screen readers. */
  label: string;
  text: string;
}): React.ReactNode {
  return (
    <div className={styles.box}>
      <progress className={styles.bar} aria-label={label} max={Math.max(of, 1)} value={done} />
      <span className={styles.text}>{text}</span>
    </div>
  );
}
