import { useEffect, useId, useState } from 'react';
import { useRevealSecret, useRotateSecret } from '../../api/webhooks';
import type { Secret, Webhook } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { CodeBlock } from '../../ui/copy';
import { Dialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { Form } from '../../ui/form';
import { Notice, Stack } from '../../ui/layout';
import { Loading } from '../../ui/query-state';
import { verifiedBy } from './verified-by';

const words = texts.webhooks.secret;
const MAX_OVERLAP_HOURS = 168;

interface Props {
  webhook: Webhook;
  onClose: () => void;
}

const wordsFor = ({ signing }: Webhook) => texts.webhooks.verifiedBy[verifiedBy(signing)];

export function SecretValues({ secret }: { secret: Secret }): React.ReactNode {
  return (
    <Stack>
      {secret.publicKey !== undefined && (
        <CodeBlock label={words.publicKey} code={secret.publicKey} isWrapped />
      )}
      <CodeBlock label={words.shown} code={secret.secret} isWrapped />
    </Stack>
  );
}

/** Asked for when it opens, and forgotten when it closes. */
export function RevealDialog({ webhook, onClose }: Props): React.ReactNode {
  const { mutate, data, isError } = useRevealSecret(webhook.id);
  useEffect(() => {
    // Effects run again when a page that was hidden is shown, and each look at a secret is in the audit log.
    if (data === undefined && !isError) mutate();
  }, [mutate, data, isError]);
  useEffect(() => {
    if (isError) onClose();
  }, [isError, onClose]);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={words.revealTitle(webhook.name)}
      description={wordsFor(webhook).what}
      actions={<Button onClick={onClose}>{texts.common.close}</Button>}
    >
      {data ? <SecretValues secret={data} /> : <Loading rows={1} />}
    </Dialog>
  );
}

export function RotateDialog({ webhook, onClose }: Props): React.ReactNode {
  const rotate = useRotateSecret(webhook.id);
  const formId = useId();
  const [hours, setHours] = useState('24');
  const [error, setError] = useState<string>();
  const submit = (): void => {
    const overlapHours = /^\d+$/.test(hours.trim()) ? Number(hours) : Number.NaN;
    if (!(overlapHours <= MAX_OVERLAP_HOURS)) setError(words.overlapInvalid);
    else rotate.mutate({ overlapHours });
  };
  if (rotate.data) {
    return (
      <Dialog
        isOpen
        isDismissible={false}
        onClose={onClose}
        title={words.revealTitle(webhook.name)}
        description={wordsFor(webhook).rotated}
        actions={
          <Button kind="primary" onClick={onClose}>
            {texts.common.close}
          </Button>
        }
      >
        <Stack>
          <SecretValues secret={rotate.data} />
          <Notice tone="info">{wordsFor(webhook).once}</Notice>
        </Stack>
      </Dialog>
    );
  }
  return (
    <Dialog
      isOpen
      // Closed before its answer, nobody would ever see what it shows once.
      isDismissible={!rotate.isPending}
      onClose={onClose}
      title={words.rotateTitle(webhook.name)}
      description={wordsFor(webhook).rotate}
      actions={
        <>
          <Button disabled={rotate.isPending} onClick={onClose}>
            {texts.common.cancel}
          </Button>
          <Button type="submit" form={formId} kind="primary" isBusy={rotate.isPending}>
            {texts.webhooks.actions.rotate}
          </Button>
        </>
      }
    >
      <Form id={formId} onSubmit={submit}>
        <TextField
          label={words.overlap}
          help={words.overlapHelp}
          error={error}
          inputMode="numeric"
          value={hours}
          onChange={(value) => {
            setHours(value);
            setError(undefined);
          }}
        />
      </Form>
    </Dialog>
  );
}
