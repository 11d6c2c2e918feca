import { Link } from '@tanstack/react-router';
import { useAccess } from '../../app/access';
import { useFilters } from '../../app/filters';
import { lastHours, useStats } from '../../api/stats';
import type { Stats } from '../../api/types';
import { texts } from '../../texts';
import { LinkButton } from '../../ui/button';
import { optionsOf, Select } from '../../ui/field';
import { Card, EmptyState, Notice, PageHeader, Stack, Stat } from '../../ui/layout';
import { formatShare } from '../../ui/numbers';
import { QueryState } from '../../ui/query-state';
import { Chart } from '../../ui/sparkline';
import { formatDuration, Time } from '../../ui/time';
import { FailingWebhooks } from './failing-webhooks';
import { attemptsOf, barsOf } from './intervals';
import styles from './overview.module.css';

const words = texts.overview;
const RANGES = ['1', '24', '168', '720'] as const;
const DEFAULT_RANGE = '24';
/** What a busy moment explains. */
const LATE_MS = 60_000;

export function OverviewPage(): React.ReactNode {
  const [filters, change] = useFilters(['hours']);
  const hours = RANGES.find((range) => range === filters.hours) ?? DEFAULT_RANGE;
  const stats = useStats(lastHours(Number(hours)));
  return (
    <>
      <PageHeader
        title={words.title}
        actions={
          <Select
            label={words.range}
            isLabelHidden
            value={hours}
            options={optionsOf(RANGES, words.ranges)}
            onChange={(value) => change({ hours: value })}
          />
        }
      />
      <QueryState query={stats}>
        {(data) => (
          <Stack>
            {isLate(data) && <Late stats={data} />}
            <Health stats={data} />
            <Figures stats={data} hours={Number(hours)} />
            <Charts stats={data} />
          </Stack>
        )}
      </QueryState>
    </>
  );
}

/** Is all well? If not: what is wrong, and what to do. */
function Health({ stats }: { stats: Stats }): React.ReactNode {
  const { failingWebhooks, deliveries, events } = stats;
  const { canWrite } = useAccess();
  if (failingWebhooks.count > 0) return <FailingWebhooks failing={failingWebhooks} />;
  if (
    (deliveries.total ?? 0) === 0 &&
    events.accepted === 0 &&
    stats.oldestPending === null &&
    stats.oldestDue === null
  ) {
    return (
      <Card isBare>
        <EmptyState
          icon="horn"
          title={words.quiet}
          actions={
            canWrite && (
              <LinkButton kind="primary" to="/webhooks/new">
                {words.quietAction}
              </LinkButton>
            )
          }
        >
          {words.quietLead}
        </EmptyState>
      </Card>
    );
  }
  if (isLate(stats)) return null;
  return (
    <Notice tone="success" title={words.well}>
      {words.wellLead}
    </Notice>
  );
}

/** Something keeps deliveries from being sent: no worker, an outage of Temporal, or more than can be done. */
function Late({ stats }: { stats: Stats }): React.ReactNode {
  const { deliveryId, eventId } = stats.oldestDue!;
  const time = formatDuration(latenessOf(stats));
  return (
    <Notice tone="warning" title={deliveryId === null ? words.lateEvent(time) : words.late(time)}>
      {words.lateLead}{' '}
      {deliveryId === null ? (
        <Link to="/events/$eventId" params={{ eventId }} className={styles.link}>
          {words.lateWhich}
        </Link>
      ) : (
        <Link to="/deliveries/$deliveryId" params={{ deliveryId }} className={styles.link}>
          {words.lateWhy}
        </Link>
      )}
    </Notice>
  );
}

/** By the API's clock. */
const latenessOf = ({ oldestDue, until }: Stats): number =>
  oldestDue === null ? 0 : Date.parse(until) - Date.parse(oldestDue.dueAt);

const isLate = (stats: Stats): boolean => latenessOf(stats) > LATE_MS;

function Figures({ stats, hours }: { stats: Stats; hours: number }): React.ReactNode {
  const { deliveries, events, successRate, latencyMs, oldestPending } = stats;
  const { p50, p90, p99 } = latencyMs;
  const delivered = deliveries.succeeded ?? 0;
  const minutes = hours * 60;
  return (
    <Card>
      <div className={styles.figures}>
        <Stat
          name={words.accepted}
          value={words.figure(events.accepted)}
          note={words.perMinute(events.accepted / minutes)}
        />
        <Stat
          name={words.delivered}
          value={words.figure(delivered)}
          note={words.perMinute(delivered / minutes)}
        />
        <Stat
          name={words.successRate}
          value={successRate === null ? words.noValue : formatShare(successRate)}
          note={words.failedNote(deliveries.failed ?? 0)}
        />
        <Stat
          name={`${words.latency}, ${words.median}`}
          value={p50 === null ? words.noValue : formatDuration(p50)}
          note={
            p90 === null || p99 === null
              ? undefined
              : words.latencyNote(formatDuration(p90), formatDuration(p99))
          }
        />
        <Stat
          name={words.oldest}
          value={oldestPending === null ? words.noValue : <Time value={oldestPending.createdAt} />}
          note={
            oldestPending === null ? (
              words.oldestNone
            ) : (
              <Link to="/deliveries/$deliveryId" params={{ deliveryId: oldestPending.id }}>
                <bdi>{oldestPending.eventType}</bdi>
              </Link>
            )
          }
        />
      </div>
    </Card>
  );
}

function Charts({ stats }: { stats: Stats }): React.ReactNode {
  const { attempts, events } = stats;
  return (
    <div className={styles.charts}>
      <Card title={words.acceptedChart} lead={words.acceptedLead}>
        <Chart
          range={stats}
          bars={barsOf(stats, (interval) => ({ good: interval.events.accepted, bad: 0 }))}
          label={words.acceptedInWords(events.accepted)}
        />
      </Card>
      <Card title={words.attemptsChart} lead={words.attemptsLead}>
        <Chart
          range={stats}
          bars={barsOf(stats, attemptsOf)}
          label={words.attemptsInWords(attempts.succeeded, attempts.failed)}
        />
      </Card>
    </div>
  );
}
