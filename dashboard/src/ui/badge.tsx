import { texts } from '../texts';
import { classes } from './class-names';
import { Icon, type IconName } from './icon';
import styles from './badge.module.css';
import tones from './tones.module.css';

export type Tone = 'success' | 'danger' | 'warning' | 'info' | 'neutral';

/** A state: always a word, with a picture where it has one, never a colour alone. */
export function Badge({
  tone = 'neutral',
  icon,
  children,
}: {
  tone?: Tone;
  icon?: IconName;
  children: React.ReactNode;
}): React.ReactNode {
  return (
    <span className={classes(styles.badge, tones[tone])}>
      {icon && <Icon name={icon} size={13} />}
      {children}
    </span>
  );
}

type Status = keyof typeof texts.common.status;

const STATUS: Record<Status, { tone: Tone; icon: IconName }> = {
  pending: { tone: 'info', icon: 'clock' },
  succeeded: { tone: 'success', icon: 'success' },
  failed: { tone: 'danger', icon: 'failure' },
  skipped: { tone: 'neutral', icon: 'skip' },
  held: { tone: 'warning', icon: 'pause' },
  cancelled: { tone: 'neutral', icon: 'ban' },
};

/** A delivery's. */
export function StatusBadge({ status }: { status: Status }): React.ReactNode {
  return <Badge {...STATUS[status]}>{texts.common.status[status]}</Badge>;
}

type Health = keyof typeof texts.common.health;

const HEALTH: Record<Health, { tone: Tone; icon: IconName }> = {
  healthy: { tone: 'success', icon: 'success' },
  failing: { tone: 'danger', icon: 'warning' },
  paused: { tone: 'warning', icon: 'pause' },
  disabled: { tone: 'neutral', icon: 'ban' },
};

/** A webhook's. */
export function HealthBadge({ health }: { health: Health }): React.ReactNode {
  return <Badge {...HEALTH[health]}>{texts.common.health[health]}</Badge>;
}
