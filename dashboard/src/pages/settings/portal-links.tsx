import { useState } from 'react';
import { useCreatePortalLink, useRevokePortalLinks } from '../../api/portal-links';
import type { PortalLink } from '../../api/types';
import { texts } from '../../texts';
import { AnchorButton, Button } from '../../ui/button';
import { CodeBlock } from '../../ui/copy';
import { ConfirmDialog } from '../../ui/dialog';
import { optionsOf, Select } from '../../ui/field';
import { Card, Row, Stack } from '../../ui/layout';
import { Time } from '../../ui/time';
import styles from './settings.module.css';

const words = texts.settings.portalLinks;
const HOUR_SECONDS = 3_600;
const LIVES = ['1', '8', '24'] as const;
type Capabilities = PortalLink['capabilities'];

/** To see what a customer sees, or to help one; applications make their links themselves. */
export function PortalLinks(): React.ReactNode {
  const create = useCreatePortalLink();
  const revoke = useRevokePortalLinks();
  const [capabilities, setCapabilities] = useState<Capabilities>('read');
  const [hours, setHours] = useState<(typeof LIVES)[number]>('1');
  const [isRevoking, setRevoking] = useState(false);
  /** When all were revoked last: also a link that was asked for before, and is answered later. */
  const [revokedAt, setRevokedAt] = useState(0);
  const wanted = { capabilities, expiresIn: Number(hours) * HOUR_SECONDS };
  const made = create.variables;
  // One that may do more, or for longer, than what is chosen now would be given to a customer as that.
  const isWanted =
    made?.capabilities === wanted.capabilities && made.expiresIn === wanted.expiresIn;
  return (
    <Card title={words.title} lead={words.lead}>
      <Stack>
        <div className={styles.grid}>
          <Select<Capabilities>
            label={words.capabilities}
            value={capabilities}
            options={optionsOf(['read', 'manage'], words.capability)}
            onChange={setCapabilities}
          />
          <Select
            label={words.life}
            value={hours}
            options={LIVES.map((value) => ({
              value,
              label: texts.common.units.hour(Number(value)),
            }))}
            onChange={setHours}
          />
        </div>
        <Row>
          <Button icon="plus" isBusy={create.isPending} onClick={() => create.mutate(wanted)}>
            {words.create}
          </Button>
          <Button icon="ban" onClick={() => setRevoking(true)}>
            {words.revoke}
          </Button>
        </Row>
        {create.data && isWanted && create.submittedAt > revokedAt && (
          <Stack isTight>
            <CodeBlock label={words.link} code={create.data.url} isWrapped />
            <Row>
              <AnchorButton
                size="small"
                icon="external"
                href={create.data.url}
                target="_blank"
                rel="noreferrer"
              >
                {words.open}
              </AnchorButton>
              <span>
                {words.ends} <Time value={create.data.expiresAt} />
              </span>
            </Row>
          </Stack>
        )}
      </Stack>
      <ConfirmDialog
        isOpen={isRevoking}
        isDangerous
        onClose={() => setRevoking(false)}
        title={words.revokeTitle}
        description={words.revokeLead}
        confirm={words.revoke}
        onConfirm={async () => {
          await revoke.mutateAsync();
          setRevokedAt(Date.now());
        }}
      />
    </Card>
  );
}
