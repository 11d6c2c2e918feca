import { Link, useNavigate } from '@tanstack/react-router';
import { listOf } from '../../api/lists';
import type { DeliverySummary, EventWithDeliveries } from '../../api/types';
import { texts } from '../../texts';
import { StatusBadge } from '../../ui/badge';
import { DataTable, type Column } from '../../ui/data-table';
import { Card, EmptyState, Stack } from '../../ui/layout';
import { formatDuration, Time } from '../../ui/time';
import { WebhookName } from '../../ui/webhook-name';

const words = texts.events.deliveries;

const columns: readonly Column<DeliverySummary>[] = [
  {
    id: 'webhook',
    header: words.columns.webhook,
    width: 'minmax(10rem, 2fr)',
    isMain: true,
    cell: ({ id, webhookId }) => (
      <Link to="/deliveries/$deliveryId" params={{ deliveryId: id }}>
        <WebhookName id={webhookId} />
      </Link>
    ),
  },
  {
    id: 'status',
    header: words.columns.status,
    width: '9rem',
    cell: ({ status }) => <StatusBadge status={status} />,
  },
  {
    id: 'answer',
    header: words.columns.answer,
    width: 'minmax(8rem, 1fr)',
    cell: ({ lastAttempt }) =>
      lastAttempt &&
      words.answer(
        String(lastAttempt.statusCode ?? lastAttempt.errorCode),
        formatDuration(lastAttempt.durationMs),
      ),
  },
  {
    id: 'attempts',
    header: words.columns.attempts,
    isNamed: true,
    width: '6rem',
    cell: ({ attemptCount }) => attemptCount,
  },
  {
    id: 'next',
    header: words.columns.next,
    width: '8rem',
    cell: ({ nextAttemptAt, completedAt, createdAt }) => (
      <Time value={nextAttemptAt ?? completedAt ?? createdAt} />
    ),
  },
];

/** Where the event went. */
export function EventDeliveries({ event }: { event: EventWithDeliveries }): React.ReactNode {
  const navigate = useNavigate();
  return (
    <Card title={words.title} lead={words.lead}>
      <Stack>
        <DataTable
          label={words.title}
          list={listOf([...event.deliveries].reverse())}
          columns={columns}
          rowId={({ id }) => id}
          onOpen={({ id }) =>
            void navigate({ to: '/deliveries/$deliveryId', params: { deliveryId: id } })
          }
          empty={
            <EmptyState icon="delivery" title={words.none}>
              {words.noneAdvice}
            </EmptyState>
          }
        />
        {event.deliveriesCursor !== undefined && (
          <Link to="/deliveries" search={{ eventId: event.id }}>
            {words.more}
          </Link>
        )}
      </Stack>
    </Card>
  );
}
