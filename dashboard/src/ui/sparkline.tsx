import { texts } from '../texts';
import { formatDuration } from './time';
import styles from './chart.module.css';

export interface Bar {
  /** What went well. */
  good: number;
  /** What did not: on top, and named in `label`. */
  bad: number;
}

const HEIGHT = 32;
const STEP = 8;
const GAP = 2;

/** The same with its times below, where there is room. */
export function Chart({
  range: { since, until },
  ...spark
}: React.ComponentProps<typeof Sparkline> & {
  range: { since: string; until: string };
}): React.ReactNode {
  const { ago, now } = texts.common;
  return (
    <div>
      <Sparkline {...spark} />
      <div className={styles.axis}>
        <span>{ago(formatDuration(Date.parse(until) - Date.parse(since)))}</span>
        <span>{now}</span>
      </div>
    </div>
  );
}

/** A bar for each interval, oldest first. `label` says the same in words. */
export function Sparkline({
  bars,
  label,
}: {
  bars: readonly Bar[];
  label: string;
}): React.ReactNode {
  const most = Math.max(1, ...bars.map(({ good, bad }) => good + bad));
  const height = (count: number): number =>
    count === 0 ? 0 : Math.max(2, (count / most) * HEIGHT);
  const width = Math.max(1, bars.length) * STEP;
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${width} ${HEIGHT + 1}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <line className={styles.base} x1={0} y1={HEIGHT + 0.5} x2={width} y2={HEIGHT + 0.5} />
      {bars.map(({ good, bad }, index) => {
        const badHeight = height(bad);
        const goodHeight = Math.min(height(good), HEIGHT - badHeight);
        const x = index * STEP + GAP / 2;
        const column = { x, width: STEP - GAP };
        return (
          // oxlint-disable-next-line react/no-array-index-key -- an interval's place is what it is
          <g key={index}>
            <rect className={styles.good} {...column} y={HEIGHT - goodHeight} height={goodHeight} />
            <rect
              className={styles.bad}
              {...column}
              y={HEIGHT - goodHeight - badHeight}
              height={badHeight}
            />
          </g>
        );
      })}
    </svg>
  );
}
