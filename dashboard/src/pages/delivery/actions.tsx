import { useState } from 'react';
import { useAccess } from '../../app/access';
import { ALLOWED, type BatchAction } from '../../api/batch';
import { useCancelDelivery, useReplayDelivery, useRetryDelivery } from '../../api/deliveries';
import type { ExplainedDelivery } from '../../api/types';
import { texts } from '../../texts';
import { Button, IconButton } from '../../ui/button';
import { useCopy } from '../../ui/copy';
import { ConfirmDialog } from '../../ui/dialog';
import { Menu, MenuItem, MenuLink } from '../../ui/menu';
import { notify } from '../../ui/toast';
import { BulkReplayDialog } from '../deliveries/bulk-replay-dialog';
import { failedSince, ICON } from '../deliveries/selection-bar';
import { curlOf } from './curl';

const words = texts.deliveries.one;
const ACTIONS = ['cancel', 'retry', 'replay'] as const;

/** What the delivery's status allows, and what can be copied of it. */
export function Actions({
  delivery,
  url,
  body,
  refusal,
}: {
  delivery: ExplainedDelivery;
  /** Why nothing can be sent to its webhook; null: it can. */
  refusal: string | null;
  /** Of its webhook; undefined: deleted, or not known yet. */
  url: string | undefined;
  body: string | null | undefined;
}): React.ReactNode {
  const { canWrite } = useAccess();
  const [asked, setAsked] = useState<BatchAction | 'bulk' | null>(null);
  const { id, status, attempts, workflow } = delivery;
  const run = {
    replay: useReplayDelivery(),
    retry: useRetryDelivery(),
    cancel: useCancelDelivery(),
  };
  const headers = attempts.at(-1)?.requestHeaders ?? { 'content-type': 'application/json' };
  const curl = url !== undefined && typeof body === 'string' ? curlOf({ url, headers, body }) : '';
  const close = (): void => setAsked(null);
  return (
    <>
      {canWrite &&
        ACTIONS.filter((what) => ALLOWED[what].includes(status)).map((what) => (
          <Button
            key={what}
            kind={what === 'cancel' ? 'danger' : 'primary'}
            icon={ICON[what]}
            refusal={what === 'cancel' ? null : refusal}
            onClick={() => setAsked(what)}
          >
            {words.act[what].name}
          </Button>
        ))}
      <Menu trigger={<IconButton icon="more" kind="secondary" label={texts.common.moreActions} />}>
        <CopyItem text={body ?? ''}>{words.copyPayload}</CopyItem>
        <CopyItem text={curl}>{words.copyCurl}</CopyItem>
        {workflow?.webUrl && (
          <MenuLink
            icon="external"
            link={
              <a
                href={workflow.webUrl}
                target="_blank"
                rel="noreferrer"
                aria-label={words.openWorkflow}
              />
            }
          >
            {words.openWorkflow}
          </MenuLink>
        )}
        {canWrite && (
          <MenuItem icon="replay" refusal={refusal} onSelect={() => setAsked('bulk')}>
            {texts.deliveries.selection.replayFailedSince}
          </MenuItem>
        )}
      </Menu>
      {asked !== null && asked !== 'bulk' && (
        <ConfirmDialog
          isOpen
          onClose={close}
          title={words.act[asked].title}
          description={words.act[asked].means}
          confirm={words.act[asked].confirm}
          isDangerous={asked === 'cancel'}
          onConfirm={() => run[asked].mutateAsync({ id })}
        />
      )}
      {asked === 'bulk' && <BulkReplayDialog selection={failedSince(delivery)} onClose={close} />}
    </>
  );
}

function CopyItem({ text, children }: { text: string; children: string }): React.ReactNode {
  const [, copy] = useCopy(text, () =>
    notify({ kind: 'success', title: `${texts.common.copied}: ${children}` }),
  );
  return (
    <MenuItem icon="copy" isDisabled={text === ''} onSelect={copy}>
      {children}
    </MenuItem>
  );
}
