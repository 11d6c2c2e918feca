import { Link, useNavigate } from '@tanstack/react-router';
import { useAccess } from '../../app/access';
import { useReplays } from '../../api/replays';
import type { Replay } from '../../api/types';
import { texts } from '../../texts';
import { LinkButton } from '../../ui/button';
import { DataTable, type Column } from '../../ui/data-table';
import { EmptyState, PageHeader } from '../../ui/layout';
import { Time } from '../../ui/time';
import { WebhookName } from '../../ui/webhook-name';
import { ReplayBadge, ReplayProgress } from './replay-status';

const words = texts.replays;

export function ReplaysPage(): React.ReactNode {
  const { canWrite } = useAccess();
  const navigate = useNavigate();
  const create = canWrite && (
    <LinkButton kind="primary" icon="plus" to="/replays/new">
      {words.create}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} actions={create} />
      <DataTable
        label={words.title}
        list={useReplays()}
        columns={columns}
        rowId={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/replays/$replayId', params: { replayId: id } })}
        empty={
          <EmptyState icon="replay" title={words.none} actions={create}>
            {words.noneAdvice}
          </EmptyState>
        }
      />
    </>
  );
}

const columns: readonly Column<Replay>[] = [
  {
    id: 'webhook',
    header: words.columns.webhook,
    width: 'minmax(10rem, 2fr)',
    isMain: true,
    cell: ({ id, webhookId }) => (
      <Link to="/replays/$replayId" params={{ replayId: id }}>
        {webhookId === undefined ? words.allWebhooks : <WebhookName id={webhookId} />}
      </Link>
    ),
  },
  {
    id: 'status',
    header: words.columns.status,
    width: '8rem',
    cell: ({ status }) => <ReplayBadge status={status} />,
  },
  {
    id: 'progress',
    header: words.columns.progress,
    width: 'minmax(11rem, 1fr)',
    cell: (replay) => <ReplayProgress replay={replay} />,
  },
  {
    id: 'created',
    header: words.columns.created,
    width: '8rem',
    cell: ({ createdAt }) => <Time value={createdAt} />,
  },
];
