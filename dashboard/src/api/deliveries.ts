import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { request, type Query } from './http';
import { useAct, useList, useOne, type List, type ListOptions } from './lists';
import type { DeliverySummary, ExplainedDelivery } from './types';
import { texts } from '../texts';

const CHANGES = ['deliveries', 'webhooks', 'stats', 'audit'];

/** How often what is on its way is looked at, and what has ended, which somebody may replay. */
const WATCH_MS = 2_000;
const ENDED_WATCH_MS = 5_000;
/** Its changes are told, but not those of why it waits. */
const TOLD_WATCH_MS = 10_000;

export const useDeliveries = (
  filters: Query = {},
  options: ListOptions = {},
): List<DeliverySummary> => useList('deliveries', 'deliveries', filters, options);

/**
 * Looked at again while it has not ended.
 * @param isTold whether its changes are told; false: it is looked at again after its end, too
 */
export const useDelivery = (id: string, isTold: boolean): UseQueryResult<ExplainedDelivery> =>
  useOne<ExplainedDelivery>('deliveries', ['one', id], `v1/deliveries/${id}`, {
    refetchMs: (delivery) => {
      const hasEnded = delivery !== undefined && delivery.completedAt !== null;
      if (isTold) return !hasEnded && TOLD_WATCH_MS;
      return hasEnded ? ENDED_WATCH_MS : WATCH_MS;
    },
  });

const act =
  (what: 'replay' | 'retry' | 'cancel') =>
  (): UseMutationResult<ExplainedDelivery, Error, { id: string }> =>
    useAct({
      run: ({ id }) => request<ExplainedDelivery>('POST', `v1/deliveries/${id}/${what}`),
      done: texts.deliveries.done[what],
      changes: CHANGES,
    });

export const useReplayDelivery = act('replay');
export const useRetryDelivery = act('retry');
export const useCancelDelivery = act('cancel');
