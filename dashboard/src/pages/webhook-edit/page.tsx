import { useNavigate, useParams } from '@tanstack/react-router';
import { Elsewhere } from '../../app/elsewhere';
import { Only } from '../../app/only';
import { changesOf } from '../../api/changes';
import type { Webhook } from '../../api/types';
import { useUpdateWebhook, useWebhook } from '../../api/webhooks';
import { texts } from '../../texts';
import { Notice, PageHeader, Stack } from '../../ui/layout';
import { QueryState } from '../../ui/query-state';
import { draftOf, inputOf } from '../webhook-form/draft';
import { WebhookForm } from '../webhook-form/form';

const words = texts.webhooks;
const back = { to: '/webhooks', label: words.title } as const;

export function EditWebhookPage(): React.ReactNode {
  const { webhookId } = useParams({ from: '/webhooks/$webhookId/edit' });
  const webhook = useWebhook(webhookId);
  const missing = <Elsewhere id={webhookId} kind="webhook" />;
  return (
    <QueryState query={webhook} header={{ kind: words.oneTitle, back, missing }} isForm>
      {(data, isGone) => <Edit key={data.id} webhook={data} isGone={isGone} />}
    </QueryState>
  );
}

function Edit({ webhook, isGone }: { webhook: Webhook; isGone: boolean }): React.ReactNode {
  const { id, name, policy } = webhook;
  const update = useUpdateWebhook(id);
  const navigate = useNavigate();
  const leave = (): void =>
    void navigate({ to: '/webhooks/$webhookId', params: { webhookId: id } });
  return (
    <Only may="canWrite" title={words.editTitle(name)}>
      <PageHeader title={words.editTitle(name)} back={back} />
      <Stack>
        {isGone && (
          <Notice tone="danger" title={texts.common.missing.title(words.oneTitle)}>
            {words.form.gone}
          </Notice>
        )}
        <WebhookForm
          initial={draftOf(webhook)}
          isNew={false}
          submit={texts.common.save}
          onCancel={leave}
          onSubmit={(input) => {
            const { input: before } = inputOf(draftOf(webhook));
            return update.mutateAsync(changesOf(before, input, policy), { onSuccess: leave });
          }}
        />
      </Stack>
    </Only>
  );
}
