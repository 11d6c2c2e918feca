import { useAccess } from '../../app/access';
import { useRevokeKey } from '../../api/projects';
import type { Key } from '../../api/types';
import { texts } from '../../texts';
import { ConfirmDialog } from '../../ui/dialog';
import { Notice, Stack } from '../../ui/layout';

const words = texts.keys.revokeDialog;

export function RevokeDialog({
  shown: { id, name },
  onClose,
}: {
  shown: Key;
  onClose: () => void;
}): React.ReactNode {
  const { projectId, session } = useAccess();
  const revoke = useRevokeKey(projectId);
  return (
    <ConfirmDialog
      isOpen
      isDangerous
      onClose={onClose}
      title={words.title(name)}
      confirm={words.confirm}
      onConfirm={() => revoke.mutateAsync({ id })}
      description={
        <Stack isTight>
          <p>{words.lead}</p>
          {session.keyId === id && <Notice tone="warning">{words.own}</Notice>}
        </Stack>
      }
    />
  );
}
