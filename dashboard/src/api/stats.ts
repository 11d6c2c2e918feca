import type { UseQueryResult } from '@tanstack/react-query';
import { useOne } from './lists';
import type { Stats } from './types';

export interface Period {
  since: string;
  until?: string;
}

const WATCH_MS = 30_000;

export const useStats = (period: Period): UseQueryResult<Stats> =>
  useOne<Stats>('stats', ['all'], 'v1/stats', { query: { ...period }, refetchMs: WATCH_MS });

export const useWebhookStats = (webhookId: string, period: Period): UseQueryResult<Stats> =>
  useOne<Stats>('stats', [webhookId], `v1/webhooks/${webhookId}/stats`, {
    query: { ...period },
    refetchMs: WATCH_MS,
  });
