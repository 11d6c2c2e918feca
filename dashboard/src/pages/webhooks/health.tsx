import { Link } from '@tanstack/react-router';
import { useAccess } from '../../app/access';
import { useEnableWebhook, usePauseWebhook } from '../../api/webhooks';
import type { Webhook } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Notice } from '../../ui/layout';

const words = texts.webhooks;

export type Health = keyof typeof texts.common.health;

export function healthOf({ isActive, isPaused, failureCount }: Webhook): Health {
  if (!isActive) return 'disabled';
  if (isPaused) return 'paused';
  return failureCount > 0 ? 'failing' : 'healthy';
}

/** What is wrong with a webhook, what that means for its events, and what to do. */
export function HealthNotice({ webhook }: { webhook: Webhook }): React.ReactElement | null {
  const { canWrite } = useAccess();
  const enable = useEnableWebhook(webhook.id);
  const pause = usePauseWebhook(webhook.id);
  switch (healthOf(webhook)) {
    case 'healthy':
      return null;
    case 'failing':
      return (
        <Notice
          tone="danger"
          title={words.health.failing(webhook.failureCount, String(webhook.lastStatus))}
        >
          {words.health.failingRemedy}{' '}
          <DeliveriesLink webhook={webhook} status="failed">
            {words.health.seeFailed}
          </DeliveriesLink>
        </Notice>
      );
    case 'paused':
      return (
        <Notice
          tone="warning"
          title={words.health.paused}
          actions={
            canWrite && (
              <Button
                size="small"
                icon="play"
                isBusy={pause.isPending}
                onClick={() => pause.mutate({ isPaused: false })}
              >
                {words.actions.resume}
              </Button>
            )
          }
        >
          {words.health.pausedMeans}
        </Notice>
      );
    case 'disabled':
      return (
        <Notice
          tone="warning"
          title={words.health[webhook.disabledReason ?? 'manual']}
          actions={
            canWrite && (
              <Button
                size="small"
                isBusy={enable.isPending}
                onClick={() => enable.mutate({ isActive: true })}
              >
                {words.actions.enable}
              </Button>
            )
          }
        >
          {words.health.disabledMeans}{' '}
          <DeliveriesLink webhook={webhook} status="skipped">
            {words.health.seeSkipped}
          </DeliveriesLink>
        </Notice>
      );
  }
}

function DeliveriesLink({
  webhook,
  status,
  children,
}: {
  webhook: Webhook;
  status: string;
  children: React.ReactNode;
}): React.ReactNode {
  return (
    <Link to="/deliveries" search={{ webhookId: webhook.id, status }}>
      {children}
    </Link>
  );
}
