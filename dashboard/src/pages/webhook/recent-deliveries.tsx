import { Link } from '@tanstack/react-router';
import { useDeliveries } from '../../api/deliveries';
import { texts } from '../../texts';
import { Badge, StatusBadge } from '../../ui/badge';
import { Button, LinkButton } from '../../ui/button';
import { Card, EmptyState } from '../../ui/layout';
import { Loading, LoadError } from '../../ui/query-state';
import { formatDuration, Time } from '../../ui/time';
import styles from './webhook.module.css';

const words = texts.webhooks.detail;
const SHOWN = 8;
const WATCH_MS = 3_000;

/** The latest of them; all are on the page of deliveries. */
export function RecentDeliveries({
  webhookId,
  onTest,
}: {
  webhookId: string;
  /** Undefined: they may not send tests. */
  onTest: (() => void) | undefined;
}): React.ReactNode {
  const list = useDeliveries({ webhookId }, { pageSize: SHOWN, refetchMs: WATCH_MS });
  return (
    <Card
      title={words.recent}
      actions={
        <LinkButton size="small" to="/deliveries" search={{ webhookId }}>
          {words.all}
        </LinkButton>
      }
    >
      {list.isLoading ? (
        <Loading rows={3} />
      ) : list.error && list.items.length === 0 ? (
        <LoadError error={list.error} isBusy={list.isRefreshing} onRetry={list.refresh} />
      ) : list.items.length === 0 ? (
        <EmptyState
          icon="delivery"
          title={words.noDeliveries}
          actions={
            onTest && (
              <Button icon="send" onClick={onTest}>
                {texts.webhooks.actions.test}
              </Button>
            )
          }
        >
          {words.noDeliveriesAdvice}
        </EmptyState>
      ) : (
        <ul className={styles.deliveries}>
          {list.items.map(
            ({ id, eventType, status, attemptCount, lastAttempt, test, createdAt }) => (
              <li key={id}>
                <StatusBadge status={status} />
                <Link to="/deliveries/$deliveryId" params={{ deliveryId: id }}>
                  {eventType}
                </Link>
                {test && <Badge>{texts.common.test}</Badge>}
                {lastAttempt !== null && (
                  <span className={styles.result}>
                    {lastAttempt.statusCode ?? lastAttempt.errorCode} ·{' '}
                    {formatDuration(lastAttempt.durationMs)}
                  </span>
                )}
                <span className={styles.aside}>
                  {words.attemptsMade(attemptCount)} · <Time value={createdAt} />
                </span>
              </li>
            ),
          )}
        </ul>
      )}
    </Card>
  );
}
