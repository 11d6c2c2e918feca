import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccess } from '../../app/access';
import { Elsewhere } from '../../app/elsewhere';
import { useRefusals } from '../../app/refusals';
import { useControlReplay, useReplay } from '../../api/replays';
import type { Replay } from '../../api/types';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { CopyId } from '../../ui/copy';
import { ConfirmDialog } from '../../ui/dialog';
import { Card, Facts, Notice, PageHeader, Stack, Stat } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { formatDuration, Time } from '../../ui/time';
import { WebhookName } from '../../ui/webhook-name';
import { ReplayBadge, ReplayProgress } from '../replays/replay-status';
import styles from './replay.module.css';

const words = texts.replays;
const back = { to: '/replays', label: words.title } as const;

export function ReplayPage(): React.ReactNode {
  const replayId = useParams({ strict: false }).replayId!;
  const replay = useReplay(replayId);
  const missing = <Elsewhere id={replayId} kind="replay" />;
  return (
    <QueryState query={replay} header={{ kind: words.oneTitle, back, missing }}>
      {(data) => (
        <>
          <PageHeader
            title={words.oneTitle}
            back={back}
            badge={<ReplayBadge status={data.status} />}
            actions={<Actions key={data.id} replay={data} />}
          />
          <Shown replay={data} />
        </>
      )}
    </QueryState>
  );
}

function Actions({ replay }: { replay: Replay }): React.ReactNode {
  const { id, status } = replay;
  const { canWrite } = useAccess();
  const refusals = useRefusals();
  const control = useControlReplay();
  const [isCancelling, setCancelling] = useState(false);
  if (!canWrite || (status !== 'running' && status !== 'paused')) return null;
  const next = status === 'running' ? 'pause' : 'resume';
  return (
    <>
      <Button
        icon={next === 'pause' ? 'pause' : 'play'}
        refusal={refusals.pauseReplay(replay)}
        isBusy={control.isPending}
        onClick={() => control.mutate({ id, what: next })}
      >
        {words[next]}
      </Button>
      <Button
        icon="ban"
        refusal={refusals.cancelReplay(replay)}
        onClick={() => setCancelling(true)}
      >
        {words.cancel.action}
      </Button>
      {isCancelling && (
        <ConfirmDialog
          isOpen
          isDangerous
          onClose={() => setCancelling(false)}
          title={words.cancel.title}
          description={words.cancel.lead}
          confirm={words.cancel.confirm}
          onConfirm={() => control.mutateAsync({ id, what: 'cancel' })}
        />
      )}
    </>
  );
}

function Shown({ replay }: { replay: Replay }): React.ReactNode {
  const { facts } = words;
  const { canWrite } = useAccess();
  const { pauseReplay } = useRefusals();
  const refusal = canWrite && replay.completedAt === null ? pauseReplay(replay) : null;
  const { webhookId, statuses, types, endedSince, ratePerSecond, completedAt } = replay;
  const left = Math.max(0, replay.matched - replay.replayed - replay.failed);
  return (
    <Stack>
      {refusal !== null && <Notice tone="neutral">{refusal}</Notice>}
      <Card>
        <Stack>
          <div className={styles.stats}>
            <Stat name={facts.matched} value={replay.matched} />
            <Stat name={facts.replayed} value={replay.replayed} />
            <Stat
              name={facts.failed}
              value={replay.failed}
              note={replay.failed > 0 ? facts.failedNote : undefined}
            />
          </div>
          <ReplayProgress replay={replay} />
          {replay.status === 'running' && left > 0 && ratePerSecond !== null && (
            <p>{facts.left(formatDuration(Math.ceil(left / ratePerSecond) * 1000))}</p>
          )}
        </Stack>
      </Card>
      <Card>
        <Stack>
          <Facts
            items={[
              { name: facts.id, value: <CopyId value={replay.id} what={facts.id} /> },
              {
                name: facts.webhook,
                value:
                  webhookId === undefined ? (
                    words.allWebhooks
                  ) : (
                    <Link to="/webhooks/$webhookId" params={{ webhookId }}>
                      <WebhookName id={webhookId} />
                    </Link>
                  ),
              },
              {
                name: facts.statuses,
                value: statuses.map((status) => texts.common.status[status]).join(', '),
              },
              { name: facts.types, value: types?.join(', ') ?? facts.allTypes },
              { name: facts.since, value: <Time value={replay.since} isAbsolute /> },
              { name: facts.until, value: <Time value={replay.until} isAbsolute /> },
              ...(endedSince === undefined
                ? []
                : [{ name: facts.endedSince, value: <Time value={endedSince} isAbsolute /> }]),
              {
                name: facts.rate,
                value: ratePerSecond === null ? facts.noRate : facts.perSecond(ratePerSecond),
              },
              { name: facts.created, value: <Time value={replay.createdAt} isAbsolute /> },
              ...(completedAt === null
                ? []
                : [{ name: facts.completed, value: <Time value={completedAt} isAbsolute /> }]),
            ]}
          />
          <div>
            <LinkButton
              size="small"
              icon="delivery"
              to="/deliveries"
              search={{
                ...(webhookId !== undefined && { webhookId }),
                since: replay.since,
                until: replay.until,
              }}
            >
              {words.seeDeliveries}
            </LinkButton>
          </div>
        </Stack>
      </Card>
    </Stack>
  );
}
