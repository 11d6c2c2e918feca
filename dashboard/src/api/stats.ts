import type { UseQueryResult } from '@tanstack/react-query';
import type { HoursAgo } from './http';
import { useOne } from './lists';
import type { Stats } from './types';

const WATCH_MS = 30_000;

/** Until now, whenever it is asked. */
export const lastHours = (hours: number): HoursAgo => ({ hoursAgo: hours });

const useStatsAt = (
  of: string,
  path: string,
  since: HoursAgo,
  isEnabled = true,
): UseQueryResult<Stats> =>
  useOne<Stats>('stats', [of], path, {
    query: {
      since,
      interval: since.hoursAgo === 1 ? 'minute' : since.hoursAgo === 720 ? 'day' : 'hour',
    },
    refetchMs: WATCH_MS,
    enabled: isEnabled,
  });

/** Of the project; of the last hour by the minute, of 30 days by the day. */
export const useStats = (since: HoursAgo): UseQueryResult<Stats> =>
  useStatsAt('all', 'v1/stats', since);

export const useWebhookStats = (
  webhookId: string,
  since: HoursAgo,
  isEnabled = true,
): UseQueryResult<Stats> =>
  useStatsAt(webhookId, `v1/webhooks/${webhookId}/stats`, since, isEnabled);
