import { useState } from 'react';
import { useAccess } from '../../app/access';
import { useKeys } from '../../api/projects';
import type { Key } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { CopyId } from '../../ui/copy';
import { DataTable, type Column } from '../../ui/data-table';
import { EmptyState, PageHeader, Row } from '../../ui/layout';
import { Time, useNow } from '../../ui/time';
import { CreateKeyDialog } from './create-dialog';
import { RevokeDialog } from './revoke-dialog';
import styles from './keys.module.css';

const words = texts.keys;

export function KeysPage(): React.ReactNode {
  const { canWrite } = useAccess();
  if (canWrite) return <Keys />;
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <EmptyState icon="lock" title={words.ownersOnly}>
        {words.ownersOnlyAdvice}
      </EmptyState>
    </>
  );
}

function Keys(): React.ReactNode {
  const { projectId } = useAccess();
  const [isCreating, setCreating] = useState(false);
  // The page's: its row may be gone before its revocation is answered.
  const [revoked, setRevoked] = useState<Key>();
  const list = useKeys(projectId);
  const create = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  );
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} actions={create} />
      <DataTable
        label={words.title}
        list={list}
        columns={columnsOf(setRevoked)}
        rowId={({ id }) => id}
        empty={
          <EmptyState icon="key" title={words.none} actions={create}>
            {words.noneAdvice}
          </EmptyState>
        }
      />
      {isCreating && <CreateKeyDialog onClose={() => setCreating(false)} />}
      {revoked && <RevokeDialog shown={revoked} onClose={() => setRevoked(undefined)} />}
    </>
  );
}

function Name({ id, name }: Key): React.ReactNode {
  const { session } = useAccess();
  return (
    <Row>
      <bdi className={styles.name}>{name}</bdi>
      {session.keyId === id && <Badge tone="info">{words.thisSession}</Badge>}
    </Row>
  );
}

function Expiry({ expiresAt }: Key): React.ReactNode {
  const now = useNow();
  if (expiresAt !== null && Date.parse(expiresAt) <= now) {
    return (
      <Badge tone="warning" icon="clock">
        {words.expired}
      </Badge>
    );
  }
  return <Time value={expiresAt} />;
}

const columnsOf = (onRevoke: (key: Key) => void): readonly Column<Key>[] => [
  {
    id: 'name',
    header: words.columns.name,
    width: 'minmax(10rem, 2fr)',
    isMain: true,
    cell: (key) => <Name {...key} />,
  },
  {
    id: 'role',
    header: words.columns.role,
    width: '6rem',
    cell: ({ role }) => <Badge>{words.role[role]}</Badge>,
  },
  {
    id: 'id',
    header: words.columns.id,
    width: 'minmax(8rem, 1fr)',
    cell: ({ id }) => <CopyId value={id} what={words.id} />,
  },
  {
    id: 'used',
    header: words.columns.lastUsed,
    isNamed: true,
    width: '8rem',
    cell: ({ lastUsedAt }) => <Time value={lastUsedAt} />,
  },
  {
    id: 'expires',
    header: words.columns.expires,
    isNamed: true,
    width: '7rem',
    cell: (key) => <Expiry {...key} />,
  },
  {
    id: 'revoke',
    header: words.revoke,
    width: '6rem',
    align: 'end',
    cell: (key) => (
      <Button size="small" aria-label={words.revokeName(key.name)} onClick={() => onRevoke(key)}>
        {words.revoke}
      </Button>
    ),
  },
];
