import { useNavigate, useParams } from '@tanstack/react-router';
import { Elsewhere } from '../../app/elsewhere';
import { Only } from '../../app/only';
import { changesOf } from '../../api/changes';
import { useUpdateWebhook, useWebhook } from '../../api/webhooks';
import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { draftOf, inputOf } from '../webhook-form/draft';
import { WebhookForm } from '../webhook-form/form';

const words = texts.webhooks;
const back = { to: '/webhooks', label: words.title } as const;

export function EditWebhookPage(): React.ReactNode {
  const { webhookId } = useParams({ from: '/webhooks/$webhookId/edit' });
  const webhook = useWebhook(webhookId);
  const update = useUpdateWebhook(webhookId);
  const navigate = useNavigate();
  const leave = (): void => void navigate({ to: '/webhooks/$webhookId', params: { webhookId } });
  const missing = <Elsewhere id={webhookId} kind="webhook" />;
  return (
    <QueryState query={webhook} header={{ kind: words.oneTitle, back, missing }}>
      {(data) => (
        <Only may="canWrite" title={words.editTitle(data.name)}>
          <PageHeader title={words.editTitle(data.name)} back={back} />
          <WebhookForm
            key={data.id}
            initial={draftOf(data)}
            isNew={false}
            submit={texts.common.save}
            onCancel={leave}
            onSubmit={async (input) => {
              const { input: before } = inputOf(draftOf(data));
              const { href } = location;
              await update.mutateAsync(changesOf(before, input, data.policy));
              // Nobody is taken away from where they have gone meanwhile.
              if (location.href === href) leave();
            }}
          />
        </Only>
      )}
    </QueryState>
  );
}
