import { useNavigate, useParams } from '@tanstack/react-router';
import { useAccess } from '../../app/access';
import { Elsewhere } from '../../app/elsewhere';
import { useRefusals } from '../../app/refusals';
import { useWebhook } from '../../api/webhooks';
import type { Webhook } from '../../api/types';
import { texts } from '../../texts';
import { HealthBadge } from '../../ui/badge';
import { Button, LinkButton } from '../../ui/button';
import { CopyId } from '../../ui/copy';
import { PageHeader, Stack } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { useWebhookDialogs, WebhookMenu, type WebhookAction } from '../webhooks/actions';
import { HealthNotice } from '../webhooks/health';
import { VerifySnippets } from '../webhooks/verify-snippets';
import { RecentDeliveries } from './recent-deliveries';
import { SettingsCard } from './settings-card';
import { StatsCard } from './stats-card';
import styles from './webhook.module.css';

const words = texts.webhooks;
const back = { to: '/webhooks', label: words.title } as const;

export function WebhookPage(): React.ReactNode {
  const { webhookId } = useParams({ from: '/webhooks/$webhookId' });
  return <OneWebhook key={webhookId} webhookId={webhookId} />;
}

function OneWebhook({ webhookId }: { webhookId: string }): React.ReactNode {
  const webhook = useWebhook(webhookId);
  const navigate = useNavigate();
  // Beside what is shown, which may be found to be gone before its deletion is answered.
  const { dialogs, open } = useWebhookDialogs(() => void navigate({ to: '/webhooks' }));
  const missing = <Elsewhere id={webhookId} kind="webhook" />;
  return (
    <>
      <QueryState query={webhook} header={{ kind: words.oneTitle, back, missing }}>
        {(data) => <Shown webhook={data} onOpen={(action) => open(data, action)} />}
      </QueryState>
      {dialogs}
    </>
  );
}

function Shown({
  webhook,
  onOpen,
}: {
  webhook: Webhook;
  onOpen: (action: WebhookAction) => void;
}): React.ReactNode {
  const { canWrite } = useAccess();
  const refusal = useRefusals().send(webhook);
  const test = (): void => onOpen('test');
  return (
    <>
      <PageHeader
        title={webhook.name}
        badge={<HealthBadge health={webhook.health.state} />}
        lead={
          <>
            <CopyId value={webhook.url} what={words.url} />
            {webhook.description !== null && (
              <span className={styles.description}>{webhook.description}</span>
            )}
          </>
        }
        back={back}
        actions={
          <>
            {canWrite && (
              <>
                <LinkButton
                  icon="edit"
                  to="/webhooks/$webhookId/edit"
                  params={{ webhookId: webhook.id }}
                >
                  {words.actions.edit}
                </LinkButton>
                <Button kind="primary" icon="send" refusal={refusal} onClick={test}>
                  {words.actions.test}
                </Button>
              </>
            )}
            <WebhookMenu webhook={webhook} onOpen={onOpen} />
          </>
        }
      />
      <Stack>
        <HealthNotice webhook={webhook} />
        <StatsCard webhookId={webhook.id} />
        <RecentDeliveries
          webhookId={webhook.id}
          onTest={canWrite && refusal === null ? test : undefined}
        />
        <SettingsCard webhook={webhook} />
        <VerifySnippets signing={webhook.signing} />
      </Stack>
    </>
  );
}
