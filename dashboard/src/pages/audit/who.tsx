import { useAccess } from '../../app/access';
import { useAll } from '../../api/lists';
import { useKeys } from '../../api/projects';
import type { AuditEntry } from '../../api/types';
import { texts } from '../../texts';
import { CopyId } from '../../ui/copy';

const words = texts.audit;
const OURS: Partial<Record<string, string>> = { admin: words.admin, posthorn: words.posthorn };

/** A key by its name, for those who may see keys. */
export function Who({ entry }: { entry: AuditEntry }): React.ReactNode {
  const { canWrite } = useAccess();
  const ours = OURS[entry.key];
  if (ours !== undefined) return ours;
  return canWrite ? <NamedKey id={entry.key} /> : <CopyId value={entry.key} what={texts.keys.id} />;
}

function NamedKey({ id }: { id: string }): React.ReactNode {
  const { projectId } = useAccess();
  const { items } = useAll(useKeys(projectId));
  const name = items.find((key) => key.id === id)?.name;
  return name === undefined ? (
    <CopyId value={id} what={texts.keys.id} />
  ) : (
    <bdi title={id}>{name}</bdi>
  );
}
