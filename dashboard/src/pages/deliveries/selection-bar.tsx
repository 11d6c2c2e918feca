import { useState } from 'react';
import { useAccess } from '../../app/access';
import { useRefusals } from '../../app/refusals';
import { ALLOWED, type BatchAction } from '../../api/batch';
import { exportChosen, exportMatching, type ExportFormat } from '../../api/exports';
import { asked, type Query } from '../../api/http';
import type { List } from '../../api/lists';
import type { DeliverySummary } from '../../api/types';
import { useWebhookChoice } from '../../api/webhooks';
import { texts } from '../../texts';
import { Button, IconButton } from '../../ui/button';
import { ExportMenu } from '../../ui/export-menu';
import { BatchDialog } from './batch-dialog';
import { BulkReplayDialog, canBeBulk, type BulkSelection } from './bulk-replay-dialog';
import type { DeliverySelection } from './selection';
import styles from './deliveries.module.css';

const words = texts.deliveries.selection;
const ACTIONS = ['replay', 'retry', 'cancel'] as const;
export const ICON = { replay: 'replay', retry: 'play', cancel: 'ban' } as const;

interface SelectionBarProps {
  selection: DeliverySelection;
  list: List<DeliverySummary>;
  query: Query;
}

/** What can be done with the selected rows, or with all that match. */
export function SelectionBar(props: SelectionBarProps): React.ReactNode {
  const { selection, query } = props;
  const { rows: selected, isAll, choose } = selection;
  const { canWrite } = useAccess();
  const refusalOf = useSendRefusal();
  const [action, setAction] = useState<BatchAction | null>(null);
  const [bulk, setBulk] = useState<BulkSelection | null>(null);
  const sent = (what: BatchAction): DeliverySummary[] =>
    allowed(selected, what).filter((row) => what === 'cancel' || refusalOf(row) === null);
  // Of those that match and are not loaded, only the API knows.
  const refusalFor = (what: BatchAction): string | null => {
    const [first] = allowed(selected, what);
    return isAll || !first || sent(what).length > 0 ? null : refusalOf(first);
  };
  const refusal = refusalFor('replay') ?? refusalFor('retry');
  const begin = (what: BatchAction): void => {
    if (what === 'replay' && isAll && canBeBulk(query)) setBulk(bulkOf(query));
    else setAction(what);
  };
  const write = (format: ExportFormat): void | Promise<void> =>
    isAll ? exportMatching('deliveries', query, format) : exportChosen(selected, format);
  return (
    <>
      {(isAll || selected.length > 0) && (
        <section className={styles.bar} aria-label={words.label}>
          <Count {...props} />
          <div className={styles.barActions}>
            {canWrite &&
              ACTIONS.map((what) => ({
                what,
                count: isAll ? null : allowed(selected, what).length,
              }))
                .filter(({ count }) => count !== 0)
                .map(({ what, count }) => (
                  <Act
                    key={what}
                    what={what}
                    count={count}
                    refusal={refusalFor(what)}
                    onClick={() => begin(what)}
                  />
                ))}
            {canWrite && selected.length === 1 && !isAll && (
              <Button
                size="small"
                icon="replay"
                refusal={refusalOf(selected[0]!)}
                onClick={() => setBulk(failedSince(selected[0]!))}
              >
                {words.replayFailedSince}
              </Button>
            )}
            <ExportMenu size="small" onExport={write} />
            <IconButton
              size="small"
              icon="close"
              label={texts.common.clear}
              onClick={() => choose(new Set())}
            />
          </div>
          {canWrite && refusal !== null && <p className={styles.barNote}>{refusal}</p>}
        </section>
      )}
      {action && (
        <BatchDialog
          action={action}
          chosen={isAll ? null : sent(action)}
          leftAlone={selected.length - allowed(selected, action).length}
          refused={allowed(selected, action).length - sent(action).length}
          query={query}
          onClose={() => setAction(null)}
        />
      )}
      {bulk && <BulkReplayDialog selection={bulk} onClose={() => setBulk(null)} />}
    </>
  );
}

function Count({ selection, list }: SelectionBarProps): React.ReactNode {
  const { ids, isAll, chooseAll } = selection;
  return (
    <div className={styles.barCount}>
      <strong role="status">{isAll ? words.allMatching : texts.common.selected(ids.size)}</strong>
      {list.hasMore && !isAll && (
        <Button size="small" kind="ghost" onClick={chooseAll}>
          {words.selectMatching}
        </Button>
      )}
    </div>
  );
}

/** `count` null: as many as match. */
function Act({
  what,
  count,
  refusal,
  onClick,
}: {
  what: BatchAction;
  count: number | null;
  refusal: string | null;
  onClick: () => void;
}): React.ReactNode {
  return (
    <Button
      size="small"
      kind={what === 'cancel' ? 'danger' : 'secondary'}
      icon={ICON[what]}
      refusal={refusal}
      onClick={onClick}
    >
      {words[what](count)}
    </Button>
  );
}

/** Why a delivery can't be sent, as far as its webhook is among the first hundred; the API knows all. */
function useSendRefusal(): (delivery: DeliverySummary) => string | null {
  const { send } = useRefusals();
  const { items } = useWebhookChoice();
  const webhooks = new Map(items.map((webhook) => [webhook.id, webhook]));
  return ({ webhookId }) => send(webhooks.get(webhookId));
}

const allowed = (rows: readonly DeliverySummary[], action: BatchAction): DeliverySummary[] =>
  rows.filter(({ status }) => ALLOWED[action].includes(status));

/** All of its webhook that failed, from this one on. */
export const failedSince = ({
  webhookId,
  createdAt,
}: Pick<DeliverySummary, 'webhookId' | 'createdAt'>): BulkSelection => ({
  webhookId,
  since: createdAt,
  statuses: ['failed'],
});

const DEFAULT_STATUSES = ['failed', 'skipped'] as const;

function bulkOf(query: Query): BulkSelection {
  const { webhookId, type, since, until, status } = asked(query);
  const statuses = status?.split(',') ?? DEFAULT_STATUSES;
  return {
    ...(webhookId && { webhookId }),
    ...(type && { types: [type] }),
    ...(since && { since }),
    ...(until && { until }),
    statuses: ALLOWED.replay.filter((one) => statuses.some((given) => given === one)),
  };
}
