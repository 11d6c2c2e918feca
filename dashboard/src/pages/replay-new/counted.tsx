import type { ReplayDryRun } from '../../api/types';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { Card, EmptyState, Stack } from '../../ui/layout';
import { formatDuration } from '../../ui/time';
import { WebhookName } from '../../ui/webhook-name';
import styles from './replay-new.module.css';

const words = texts.replays.form;

/** What a dry run has found, and the way on. */
export function Counted({
  found: { matched, byWebhook },
  ratePerSecond,
  isStarting,
  onStart,
}: {
  found: ReplayDryRun;
  /** null: none is set. */
  ratePerSecond: number | null;
  isStarting: boolean;
  onStart: () => void;
}): React.ReactNode {
  if (matched === 0) {
    return (
      <Card isBare>
        <EmptyState icon="search" title={words.nothing}>
          {words.nothingAdvice}
        </EmptyState>
      </Card>
    );
  }
  const takes =
    ratePerSecond === null
      ? ''
      : ` ${words.takes(formatDuration(Math.ceil(matched / ratePerSecond) * 1000))}`;
  return (
    <Card title={words.counted} lead={`${words.matched(matched)}.${takes}`}>
      <Stack>
        <dl className={styles.counts}>
          {Object.entries(byWebhook)
            .sort(([, a], [, b]) => b - a)
            .map(([webhookId, count]) => (
              <div key={webhookId}>
                <dt>
                  <WebhookName id={webhookId} />
                </dt>
                <dd>{count}</dd>
              </div>
            ))}
        </dl>
        <div>
          <Button kind="primary" icon="replay" isBusy={isStarting} onClick={onStart}>
            {words.start(matched)}
          </Button>
        </div>
      </Stack>
    </Card>
  );
}
