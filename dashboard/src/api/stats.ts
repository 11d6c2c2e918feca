import type { UseQueryResult } from '@tanstack/react-query';
import { useOne } from './lists';
import type { Stats } from './types';

const WATCH_MS = 30_000;
const HOUR_MS = 3_600_000;

export interface Period {
  hours: number;
}

/** Until now, whenever it is asked. */
export const lastHours = (hours: number): Period => ({ hours });

/** In the cache by its length, so that each look is of the time before it. */
const useStatsAt = (
  of: string,
  path: string,
  { hours }: Period,
  isEnabled = true,
): UseQueryResult<Stats> =>
  useOne<Stats>('stats', [of, hours], path, {
    query: () => ({
      since: new Date(Date.now() - hours * HOUR_MS).toISOString(),
      interval: hours === 1 ? 'minute' : hours === 720 ? 'day' : 'hour',
    }),
    refetchMs: WATCH_MS,
    enabled: isEnabled,
  });

/** Of the project; of the last hour by the minute, of 30 days by the day. */
export const useStats = (period: Period): UseQueryResult<Stats> =>
  useStatsAt('all', 'v1/stats', period);

export const useWebhookStats = (
  webhookId: string,
  period: Period,
  isEnabled = true,
): UseQueryResult<Stats> =>
  useStatsAt(webhookId, `v1/webhooks/${webhookId}/stats`, period, isEnabled);
