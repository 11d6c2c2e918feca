import type { Tone } from './badge';
import styles from './chart.module.css';
import tones from './tones.module.css';
import { classes } from './class-names';
import { Icon, type IconName } from './icon';

export interface Step {
  id: string;
  tone: Tone;
  icon: IconName;
  content: React.ReactNode;
}

/** What happened, or will, one after the other. */
export function Timeline({
  steps,
  label,
}: {
  steps: readonly Step[];
  label: string;
}): React.ReactNode {
  return (
    <ol className={styles.timeline} aria-label={label}>
      {steps.map(({ id, tone, icon, content }) => (
        <li key={id} className={styles.step}>
          <span className={classes(styles.mark, tones[tone])}>
            <Icon name={icon} size={14} />
          </span>
          <div className={styles.stepBody}>{content}</div>
        </li>
      ))}
    </ol>
  );
}
