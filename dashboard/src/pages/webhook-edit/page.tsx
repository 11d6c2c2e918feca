import { useNavigate, useParams } from '@tanstack/react-router';
import { Only } from '../../app/only';
import { useUpdateWebhook, useWebhook } from '../../api/webhooks';
import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { draftOf } from '../webhook-form/draft';
import { WebhookForm } from '../webhook-form/form';

const words = texts.webhooks;

export function EditWebhookPage(): React.ReactNode {
  const { webhookId } = useParams({ from: '/webhooks/$webhookId/edit' });
  const webhook = useWebhook(webhookId);
  const update = useUpdateWebhook(webhookId);
  const navigate = useNavigate();
  const leave = (): void => void navigate({ to: '/webhooks/$webhookId', params: { webhookId } });
  return (
    <QueryState query={webhook}>
      {(data) => (
        <Only may="canWrite" title={words.editTitle(data.name)}>
          <PageHeader
            title={words.editTitle(data.name)}
            back={{ to: '/webhooks', label: words.title }}
          />
          <WebhookForm
            initial={draftOf(data)}
            policyBefore={data.policy}
            isNew={false}
            submit={texts.common.save}
            onCancel={leave}
            onSubmit={async (input) => {
              const { headers, ...others } = input;
              // What can't be decrypted now is shown as none, and stays until others are set.
              const isUntouched = data.headers === null && Object.keys(headers ?? {}).length === 0;
              await update.mutateAsync(isUntouched ? others : input);
              leave();
            }}
          />
        </Only>
      )}
    </QueryState>
  );
}
