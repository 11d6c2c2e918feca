import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Only } from '../../app/only';
import { useCreateWebhook } from '../../api/webhooks';
import type { NewWebhook } from '../../api/types';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { Card, Notice, PageHeader, Stack } from '../../ui/layout';
import { EMPTY } from '../webhook-form/draft';
import { WebhookForm } from '../webhook-form/form';
import { SecretValues } from '../webhooks/secret-dialogs';
import { TestDialog } from '../webhooks/test-dialog';
import { verifiedBy } from '../webhooks/verified-by';
import { VerifySnippets } from '../webhooks/verify-snippets';

const words = texts.webhooks;

export function NewWebhookPage(): React.ReactNode {
  const create = useCreateWebhook();
  const navigate = useNavigate();
  if (create.data) return <Created webhook={create.data} />;
  return (
    <Only may="canWrite" title={words.newTitle}>
      <PageHeader title={words.newTitle} back={{ to: '/webhooks', label: words.title }} />
      <WebhookForm
        initial={EMPTY}
        isNew
        submit={words.form.submitNew}
        onCancel={() => void navigate({ to: '/webhooks' })}
        onSubmit={(input, { url, secret }) =>
          create.mutateAsync({ ...input, url: url.trim(), ...(secret !== '' && { secret }) })
        }
      />
    </Only>
  );
}

/** The secret, how to verify with it, and the first test. */
function Created({ webhook }: { webhook: NewWebhook }): React.ReactNode {
  const [isTesting, setTesting] = useState(false);
  const { ping } = webhook;
  const wordsOfKey = words.verifiedBy[verifiedBy(webhook.signing)];
  return (
    <>
      <PageHeader
        title={words.created.title(webhook.name)}
        lead={wordsOfKey.created}
        back={{ to: '/webhooks', label: words.title }}
        actions={
          <>
            <LinkButton to="/webhooks/$webhookId" params={{ webhookId: webhook.id }}>
              {words.created.open}
            </LinkButton>
            <Button kind="primary" icon="send" onClick={() => setTesting(true)}>
              {words.actions.test}
            </Button>
          </>
        }
      />
      <Stack>
        {ping && (
          <Notice tone={ping.outcome === 'failed' ? 'warning' : 'success'}>
            {ping.outcome === 'failed'
              ? words.created.ping.failed(String(ping.statusCode ?? ping.errorCode))
              : words.created.ping[ping.outcome]}
          </Notice>
        )}
        <Card title={words.secret.title} lead={wordsOfKey.what}>
          <Stack>
            <SecretValues secret={webhook} />
            <Notice tone="info">{wordsOfKey.once}</Notice>
          </Stack>
        </Card>
        <VerifySnippets signing={webhook.signing} />
      </Stack>
      {isTesting && <TestDialog webhook={webhook} onClose={() => setTesting(false)} />}
    </>
  );
}
