import { Link } from '@tanstack/react-router';
import { useAccess } from '../../app/access';
import { useRefusals } from '../../app/refusals';
import { usePauseWebhook } from '../../api/webhooks';
import type { Webhook } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Notice } from '../../ui/layout';

const words = texts.webhooks;

interface Props {
  webhook: Webhook;
}

/** What is wrong with a webhook, what that means for its events, and what to do. */
export function HealthNotice({ webhook }: Props): React.ReactNode {
  const Shown = NOTICES[webhook.health.state];
  return <Shown webhook={webhook} />;
}

const NOTICES: Record<Webhook['health']['state'], React.FunctionComponent<Props>> = {
  healthy: () => null,
  failing: Failing,
  paused: Paused,
  disabled: Disabled,
};

function Failing({ webhook }: Props): React.ReactNode {
  return (
    <Notice
      tone="danger"
      title={words.health.failing(webhook.failureCount, String(webhook.lastStatus))}
    >
      {words.health.failingRemedy}{' '}
      {/* Most of what fails is pending: it is tried again for a while. */}
      <DeliveriesLink webhook={webhook} status="failed,pending">
        {words.health.seeFailed}
      </DeliveriesLink>
    </Notice>
  );
}

function Paused({ webhook }: Props): React.ReactNode {
  const { canWrite } = useAccess();
  const refusal = useRefusals().pause(webhook);
  const pause = usePauseWebhook(webhook.id);
  const resume = canWrite && (
    <Button
      size="small"
      icon="play"
      refusal={refusal}
      isBusy={pause.isPending}
      onClick={() => pause.mutate({ isPaused: false })}
    >
      {words.actions.resume}
    </Button>
  );
  return (
    <Notice tone="warning" title={words.health.paused} actions={resume}>
      {words.health.pausedMeans} {refusal}
    </Notice>
  );
}

function Disabled({ webhook }: Props): React.ReactNode {
  const refusal = useRefusals().send(webhook);
  return (
    <Notice tone="warning" title={words.health[webhook.disabledReason ?? 'manual']}>
      {words.health.disabledMeans} {refusal ?? words.health.disabledRemedy}{' '}
      <DeliveriesLink webhook={webhook} status="skipped">
        {words.health.seeSkipped}
      </DeliveriesLink>
    </Notice>
  );
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
