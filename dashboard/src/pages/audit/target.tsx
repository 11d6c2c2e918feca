import { Link } from '@tanstack/react-router';
import type { AuditEntry } from '../../api/types';
import { WebhookName } from '../../ui/webhook-name';
import styles from './audit.module.css';

/** Where the page of an id with that prefix is. */
const PAGES: Partial<Record<string, string>> = {
  wh: '/webhooks/',
  evt: '/events/',
  dlv: '/deliveries/',
  rpl: '/replays/',
};
const DELETED: readonly AuditEntry['action'][] = ['webhook.deleted', 'event_type.deleted'];

/** What was changed: a link where there is a page of it, else as it was given. */
export function Target({ entry: { action, target } }: { entry: AuditEntry }): React.ReactNode {
  if (target === null) return null;
  const [prefix] = /^[a-z]+(?=_[\da-f]{32}$)/.exec(target) ?? [];
  const page = PAGES[prefix ?? ''];
  const isType = action.startsWith('event_type.');
  const to = page !== undefined ? page + target : isType ? `/event-types/${target}` : undefined;
  const shown = prefix === 'wh' ? <WebhookName id={target} /> : <bdi>{target}</bdi>;
  return (
    <span className={styles.target} title={target}>
      {to === undefined || DELETED.includes(action) ? shown : <Link to={to}>{shown}</Link>}
    </span>
  );
}
