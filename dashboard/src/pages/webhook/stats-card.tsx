import { useState } from 'react';
import { lastHours, useWebhookStats } from '../../api/stats';
import type { Stats } from '../../api/types';
import { texts } from '../../texts';
import { optionsOf, Select } from '../../ui/field';
import { Card, Stack, Stat } from '../../ui/layout';
import { formatShare } from '../../ui/numbers';
import { QueryState } from '../../ui/query-state';
import { Chart } from '../../ui/sparkline';
import { formatDuration } from '../../ui/time';
import { attemptsOf, barsOf } from '../overview/intervals';
import styles from './webhook.module.css';

const words = texts.webhooks.detail;
const PERIODS = ['24', '168', '720'] as const;

/** How its deliveries went, for a day, a week or a month. */
export function StatsCard({ webhookId }: { webhookId: string }): React.ReactNode {
  const [period, setPeriod] = useState<(typeof PERIODS)[number]>('24');
  const stats = useWebhookStats(webhookId, lastHours(Number(period)));
  return (
    <Card
      title={words.stats}
      actions={
        <Select
          label={words.period}
          isLabelHidden
          value={period}
          options={optionsOf(PERIODS, words.periods)}
          onChange={setPeriod}
        />
      }
    >
      <QueryState query={stats}>{(data) => <Figures stats={data} />}</QueryState>
    </Card>
  );
}

function Figures({ stats }: { stats: Stats }): React.ReactNode {
  const { successRate, deliveries, attempts, latencyMs } = stats;
  const { p50, p99 } = latencyMs;
  return (
    <Stack>
      <div className={styles.stats}>
        <Stat
          name={words.successRate}
          value={successRate === null ? words.noValue : formatShare(successRate)}
        />
        <Stat name={words.deliveries} value={(deliveries.total ?? 0).toLocaleString('en')} />
        <Stat
          name={words.attempts}
          value={attempts.total.toLocaleString('en')}
          note={words.failedAttempts(attempts.failed)}
        />
        <Stat
          name={words.latency}
          value={p50 === null ? words.noValue : formatDuration(p50)}
          note={p99 === null ? undefined : words.latencyTail(formatDuration(p99))}
        />
      </div>
      <Chart
        range={stats}
        bars={barsOf(stats, attemptsOf)}
        label={words.chart(attempts.succeeded, attempts.failed)}
      />
    </Stack>
  );
}
