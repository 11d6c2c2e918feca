import { useState } from 'react';
import { useBatch, type BatchAction } from '../../api/batch';
import type { Query } from '../../api/http';
import { explain } from '../../api/problem';
import type { DeliverySummary } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Stack } from '../../ui/layout';
import { notify } from '../../ui/toast';

const words = texts.deliveries.batch;

/** Asks, does it to one after the other, and tells what became of it. */
export function BatchDialog({
  action,
  onClose,
  ...given
}: {
  action: BatchAction;
  /** null: all that match, in a status that allows it. */
  chosen: readonly DeliverySummary[] | null;
  /** How many selected ones have a status that doesn't allow it, */
  leftAlone: number;
  /** and how many the platform's customer may not have sent. */
  refused: number;
  query: Query;
  onClose: () => void;
}): React.ReactNode {
  const batch = useBatch();
  // As it was asked: what the page behind shows goes on changing, also by what is done here.
  const [{ chosen, leftAlone, refused: refusedBefore, query }] = useState(given);
  const { title, means, confirm } = words[action];
  const { state, done, refused } = batch;
  const isRunning = state === 'running';
  const run = (): void => {
    batch.run(chosen ? chosen.map(({ id }) => id) : query, action).catch((error: unknown) => {
      const { title: failed, advice } = explain(error);
      notify({ kind: 'error', title: failed, description: advice });
    });
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      isDismissible={!isRunning}
      title={title(chosen && chosen.length)}
      description={means}
      actions={
        <>
          {state === 'idle' && <Button onClick={onClose}>{words.keep}</Button>}
          {state === 'idle' && (
            <Button kind={action === 'cancel' ? 'danger' : 'primary'} onClick={run}>
              {confirm}
            </Button>
          )}
          {state === 'idle' && chosen && refusedBefore > 0 && (
            <p>{words.leftToPlatform(refusedBefore)}</p>
          )}
          {isRunning && <Button onClick={batch.stop}>{words.stop}</Button>}
          {state !== 'idle' && !isRunning && (
            <Button kind="primary" onClick={onClose}>
              {texts.common.close}
            </Button>
          )}
        </>
      }
    >
      <Stack isTight>
        {state === 'idle' && chosen && leftAlone > 0 && <p>{words.leftAlone(leftAlone)}</p>}
        {isRunning && <p>{words.progress(done)}</p>}
        <div role="status">
          {state === 'ended' && words.ended(done)}
          {state === 'stopped' && words.stopped(done)}
          {state === 'failed' && words.failed(done)}
          {[...refused].map(([why, count]) => (
            <p key={why}>{words.refused(count, why)}</p>
          ))}
        </div>
      </Stack>
    </Dialog>
  );
}
