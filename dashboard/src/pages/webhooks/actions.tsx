import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccess } from '../../app/access';
import { useRefusals } from '../../app/refusals';
import { useStartReplay } from '../../api/replays';
import { useDeleteWebhook, useEnableWebhook, usePauseWebhook } from '../../api/webhooks';
import type { Webhook } from '../../api/types';
import { texts } from '../../texts';
import { IconButton } from '../../ui/button';
import { ConfirmDialog } from '../../ui/dialog';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu';
import { notify } from '../../ui/toast';
import { RevealDialog, RotateDialog } from './secret-dialogs';
import { TestDialog } from './test-dialog';

const words = texts.webhooks;

export type WebhookAction =
  'test' | 'reveal' | 'rotate' | 'pause' | 'disable' | 'enable' | 'delete';

/** The ⋮ of a webhook, with everything that can be done to it. */
export function WebhookMenu({
  webhook,
  onOpen,
}: {
  webhook: Webhook;
  onOpen: (action: WebhookAction) => void;
}): React.ReactNode {
  const { canWrite } = useAccess();
  const refusals = useRefusals();
  const navigate = useNavigate();
  const params = { webhookId: webhook.id };
  return (
    <Menu trigger={<IconButton icon="more" label={texts.common.moreActionsFor(webhook.name)} />}>
      <MenuItem
        icon="delivery"
        onSelect={() => void navigate({ to: '/deliveries', search: { webhookId: webhook.id } })}
      >
        {words.actions.deliveries}
      </MenuItem>
      {canWrite && (
        <>
          <MenuItem icon="send" refusal={refusals.send(webhook)} onSelect={() => onOpen('test')}>
            {words.actions.test}
          </MenuItem>
          <MenuItem
            icon="edit"
            onSelect={() => void navigate({ to: '/webhooks/$webhookId/edit', params })}
          >
            {words.actions.edit}
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon="eye" onSelect={() => onOpen('reveal')}>
            {words.actions.reveal}
          </MenuItem>
          <MenuItem icon="replay" onSelect={() => onOpen('rotate')}>
            {words.actions.rotate}
          </MenuItem>
          <MenuSeparator />
          <StateItems webhook={webhook} onOpen={onOpen} />
          <MenuItem
            icon="trash"
            isDangerous
            refusal={refusals.deleteWebhook(webhook)}
            onSelect={() => onOpen('delete')}
          >
            {words.actions.delete}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

function StateItems({
  webhook,
  onOpen,
}: {
  webhook: Webhook;
  onOpen: (action: WebhookAction) => void;
}): React.ReactNode {
  const refusals = useRefusals();
  const resume = usePauseWebhook(webhook.id);
  return (
    <>
      {webhook.isPaused ? (
        <MenuItem
          icon="play"
          refusal={refusals.pause(webhook)}
          onSelect={() => resume.mutate({ isPaused: false })}
        >
          {words.actions.resume}
        </MenuItem>
      ) : (
        <MenuItem icon="pause" onSelect={() => onOpen('pause')}>
          {words.actions.pause}
        </MenuItem>
      )}
      {webhook.isActive ? (
        <MenuItem icon="ban" onSelect={() => onOpen('disable')}>
          {words.actions.disable}
        </MenuItem>
      ) : (
        <MenuItem icon="success" refusal={refusals.send(webhook)} onSelect={() => onOpen('enable')}>
          {words.actions.enable}
        </MenuItem>
      )}
    </>
  );
}

/** The dialogs of webhooks' menus. They are the page's: what is done to a webhook may take it out of the list. */
export function useWebhookDialogs(onDeleted?: () => void): {
  dialogs: React.ReactNode;
  open: (webhook: Webhook, action: WebhookAction) => void;
} {
  const [last, setLast] = useState<{ webhook: Webhook; action: WebhookAction | null } | null>(null);
  return {
    dialogs: last && (
      <Dialogs
        key={last.webhook.id}
        webhook={last.webhook}
        opened={last.action}
        onClose={() => setLast({ ...last, action: null })}
        onDeleted={onDeleted}
      />
    ),
    open: (webhook, action) => setLast({ webhook, action }),
  };
}

function Dialogs({
  webhook,
  opened,
  onClose: close,
  onDeleted,
}: {
  webhook: Webhook;
  opened: WebhookAction | null;
  onClose: () => void;
  onDeleted: (() => void) | undefined;
}): React.ReactNode {
  const { id, name } = webhook;
  const pause = usePauseWebhook(id);
  const enable = useEnableWebhook(id);
  const remove = useDeleteWebhook(id);
  const { projectId } = useAccess();
  const start = useStartReplay(projectId);
  return (
    <>
      {opened === 'test' && <TestDialog webhook={webhook} onClose={close} />}
      {opened === 'reveal' && <RevealDialog webhook={webhook} onClose={close} />}
      {opened === 'rotate' && <RotateDialog webhook={webhook} onClose={close} />}
      <ConfirmDialog
        isOpen={opened === 'pause'}
        onClose={close}
        title={words.pauseDialog.title(name)}
        description={words.pauseDialog.body}
        confirm={words.actions.pause}
        onConfirm={() => pause.mutateAsync({ isPaused: true })}
      />
      <ConfirmDialog
        isOpen={opened === 'disable'}
        onClose={close}
        title={words.disableDialog.title(name)}
        description={words.disableDialog.body}
        confirm={words.actions.disable}
        isDangerous
        onConfirm={() => enable.mutateAsync({ isActive: false })}
      />
      <ConfirmDialog
        isOpen={opened === 'enable'}
        onClose={close}
        title={words.enableDialog.title(name)}
        description={words.enableDialog.body}
        confirm={words.actions.enable}
        onConfirm={async () => {
          const { skipped } = await enable.mutateAsync({ isActive: true });
          const replay = skipped?.replay;
          if (!replay) return;
          // Wherever somebody has gone meanwhile: nothing else leads to exactly these.
          notify({
            kind: 'success',
            title: words.enableDialog.skipped(skipped.count, name),
            offer: { label: words.enableDialog.replay, act: () => start.mutateAsync(replay) },
          });
        }}
      />
      <ConfirmDialog
        isOpen={opened === 'delete'}
        onClose={close}
        title={words.deleteDialog.title(name)}
        description={words.deleteDialog.body}
        confirm={words.deleteDialog.confirm}
        isDangerous
        onConfirm={() => remove.mutateAsync(undefined, { onSuccess: onDeleted })}
      />
    </>
  );
}
