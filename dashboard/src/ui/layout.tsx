import { Link, type LinkProps } from '@tanstack/react-router';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { texts } from '../texts';
import { isolated } from '../texts/isolated';
import type { Tone } from './badge';
import { classes } from './class-names';
import { Icon, type IconName } from './icon';
import styles from './layout.module.css';
import tones from './tones.module.css';

/** Whether a heading leaves, in what React is committing now, while something has the focus. */
let isLeaving = false;

/** The page's name, which also becomes the window's title. */
function Heading({
  title,
  className,
  badge,
}: {
  title: string;
  className?: string | undefined;
  badge?: React.ReactNode;
}): React.ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${isolated(title)} · ${texts.app.product}`;
  }, [title]);
  useLayoutEffect(() => {
    // What had the focus was replaced with the former heading, as by an object that has been loaded.
    if (isLeaving && document.activeElement === document.body) {
      heading.current?.focus({ preventScroll: true });
    }
    return () => {
      isLeaving = document.activeElement !== document.body;
      queueMicrotask(() => {
        isLeaving = false;
      });
    };
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} className={classes(styles.title, className)}>
      <bdi>{title}</bdi>
      {badge}
    </h1>
  );
}

export interface Back {
  to: LinkProps['to'];
  label: string;
}

/** The page's name, and what can be done on the page. */
export function PageHeader({
  title,
  badge,
  lead,
  back,
  actions,
}: {
  title: string;
  badge?: React.ReactNode;
  lead?: React.ReactNode;
  back?: Back | undefined;
  actions?: React.ReactNode;
}): React.ReactNode {
  return (
    <header className={styles.head}>
      <div className={styles.titles}>
        {back && (
          <Link to={back.to} className={styles.back}>
            <Icon name="arrowLeft" size={14} />
            {back.label}
          </Link>
        )}
        <Heading title={title} badge={badge} />
        {lead !== undefined && <p className={styles.lead}>{lead}</p>}
      </div>
      {actions !== undefined && <div className={styles.actions}>{actions}</div>}
    </header>
  );
}

export function Card({
  title,
  lead,
  actions,
  children,
  isBare = false,
}: {
  title?: string;
  lead?: React.ReactNode;
  actions?: React.ReactNode;
  children: React.ReactNode;
  /** True: the content reaches to the border, as tables do. */
  isBare?: boolean;
}): React.ReactNode {
  return (
    <section className={styles.card}>
      {(title !== undefined || actions !== undefined) && (
        <div className={styles.cardHead}>
          {title !== undefined && <h2 className={styles.cardTitle}>{title}</h2>}
          {actions}
          {lead !== undefined && <p className={styles.cardLead}>{lead}</p>}
        </div>
      )}
      {isBare ? children : <div className={styles.cardBody}>{children}</div>}
    </section>
  );
}

interface Around {
  children: React.ReactNode;
}

/** One below the other. */
export function Stack({
  children,
  isTight = false,
}: Around & { isTight?: boolean }): React.ReactNode {
  return <div className={classes(styles.stack, isTight && styles.tight)}>{children}</div>;
}

/** Side by side, as far as there is room. */
export function Row({ children }: Around): React.ReactNode {
  return <div className={styles.row}>{children}</div>;
}

/** Names and values. */
export function Facts({
  items,
}: {
  items: readonly { name: string; value: React.ReactNode }[];
}): React.ReactNode {
  return (
    <dl className={styles.facts}>
      {items.map(({ name, value }) => (
        <div key={name} className={styles.fact}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A figure to be seen at once. */
export function Stat({
  name,
  value,
  note,
}: {
  name: string;
  value: React.ReactNode;
  note?: React.ReactNode;
}): React.ReactNode {
  return (
    <div className={styles.stat}>
      <div className={styles.statName}>{name}</div>
      <div className={styles.statValue}>{value}</div>
      {note !== undefined && <div className={styles.statNote}>{note}</div>}
    </div>
  );
}

const NOTICE_ICON: Record<Tone, IconName> = {
  success: 'success',
  danger: 'failure',
  warning: 'warning',
  info: 'info',
  neutral: 'info',
};

/** Something to know on this page: what it is, and what to do. */
export function Notice({
  tone,
  title,
  children,
  actions,
}: {
  tone: Tone;
  title?: string;
  children?: React.ReactNode;
  actions?: React.ReactNode;
}): React.ReactNode {
  return (
    <div
      className={classes(styles.notice, tone === 'neutral' ? styles.neutral : tones[tone])}
      role={tone === 'danger' ? 'alert' : undefined}
    >
      <Icon name={NOTICE_ICON[tone]} size={18} />
      <div className={styles.noticeBody}>
        {title !== undefined && <div className={styles.noticeTitle}>{title}</div>}
        {children}
      </div>
      {actions !== undefined && <div className={styles.noticeActions}>{actions}</div>}
    </div>
  );
}

/** Instead of an empty list: what would be here, and how it gets here. `isPage`: nothing else is on the page. */
export function EmptyState({
  icon,
  title,
  children,
  actions,
  isPage = false,
}: {
  icon: IconName;
  title: string;
  children?: React.ReactNode;
  actions?: React.ReactNode;
  isPage?: boolean;
}): React.ReactNode {
  return (
    <div className={styles.empty}>
      <div className={styles.emptyMark}>
        <Icon name={icon} size={22} />
      </div>
      {isPage ? (
        <Heading title={title} className={styles.emptyTitle} />
      ) : (
        <h2 className={styles.emptyTitle}>{title}</h2>
      )}
      {children !== undefined && <div className={styles.emptyBody}>{children}</div>}
      {actions !== undefined && <div className={styles.emptyActions}>{actions}</div>}
    </div>
  );
}

/** Where something will be once it has been loaded. `width` in em. */
export function Skeleton({ width = 10 }: { width?: number }): React.ReactNode {
  return <span className={styles.skeleton} style={{ inlineSize: `${width}em` }} />;
}

export function Kbd({ children }: Around): React.ReactNode {
  return <kbd className={styles.kbd}>{children}</kbd>;
}
