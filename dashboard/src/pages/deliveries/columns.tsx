import { Link } from '@tanstack/react-router';
import type { DeliverySummary } from '../../api/types';
import { texts } from '../../texts';
import { Badge, StatusBadge } from '../../ui/badge';
import type { Column } from '../../ui/data-table';
import { relative, Time, useNow } from '../../ui/time';
import { WebhookName } from '../../ui/webhook-name';
import { LastAnswer } from './answer';
import styles from './deliveries.module.css';

const words = texts.deliveries;

export const columns: readonly Column<DeliverySummary>[] = [
  {
    id: 'event',
    header: words.columns.event,
    width: 'minmax(9rem, 1.2fr)',
    isMain: true,
    cell: ({ id, eventType, test }) => (
      <>
        <Link to="/deliveries/$deliveryId" params={{ deliveryId: id }}>
          <bdi>{eventType}</bdi>
        </Link>{' '}
        {test && <Badge>{texts.common.test}</Badge>}
      </>
    ),
  },
  {
    id: 'status',
    header: words.columns.status,
    width: '7rem',
    cell: ({ status }) => <StatusBadge status={status} />,
  },
  {
    id: 'answer',
    header: words.columns.answer,
    width: 'minmax(11rem, 1.2fr)',
    cell: ({ lastAttempt, completedAt }) => (
      <LastAnswer attempt={lastAttempt} isEnded={completedAt !== null} />
    ),
  },
  {
    id: 'webhook',
    header: words.columns.webhook,
    width: 'minmax(7rem, 1fr)',
    cell: ({ webhookId }) => (
      <span className={styles.name}>
        <WebhookName id={webhookId} />
      </span>
    ),
  },
  {
    id: 'attempts',
    header: words.columns.attempts,
    width: 'minmax(11rem, 0.9fr)',
    cell: (delivery) => <Attempts delivery={delivery} />,
  },
  {
    id: 'when',
    header: words.columns.when,
    width: '7rem',
    align: 'end',
    cell: ({ createdAt }) => <Time value={createdAt} />,
  },
];

function Attempts({ delivery }: { delivery: DeliverySummary }): React.ReactNode {
  const now = useNow();
  const { attemptCount, nextAttemptAt } = delivery;
  return (
    <>
      {words.attemptsMade(attemptCount)}
      {nextAttemptAt !== null && (
        <span className={styles.muted}>
          {' '}
          · {words.nextAttempt(relative(Math.max(Date.parse(nextAttemptAt), now), now))}
        </span>
      )}
    </>
  );
}
