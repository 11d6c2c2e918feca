import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { OPERATIONAL_TYPES } from '../../../src/contracts/operational';
import { request, type Query } from './http';
import { useAct, useList, useOne, type List } from './lists';
import type {
  NewWebhook,
  Policy,
  Secret,
  SigningScheme,
  UpdatedWebhook,
  Webhook,
  WebhookDefaults,
} from './types';
import { texts } from '../texts';

export interface WebhookInput {
  name: string;
  events: string[];
  description?: string | null;
  headers?: Record<string, string>;
  signing?: SigningScheme[];
  policy?: Policy;
  filter?: Record<string, unknown> | null;
}

const CHANGES = ['webhooks', 'audit', 'stats'];
const { done } = texts.webhooks;

export const useWebhooks = (filters: Query = {}): List<Webhook> =>
  useList<Webhook>('webhooks', 'webhooks', filters, { refetchMs: 15_000, keepsFormer: true });

/** The first of them by name, which are all of most projects, or those that match. */
export const useWebhookChoice = (q = ''): List<Webhook> =>
  useList<Webhook>(
    'webhooks',
    'webhooks',
    { sort: 'name', q },
    {
      pageSize: 100,
      keepsFormer: true,
    },
  );

/** To show which one it is: one of the first, or asked for by its id. */
export function useKnownWebhook(id: string): Webhook | undefined {
  const { items, isLoading, hasMore } = useWebhookChoice();
  const listed = items.find((webhook) => webhook.id === id);
  const { data } = useOne<Webhook>('webhooks', ['one', id], `v1/webhooks/${id}`, {
    enabled: id !== '' && !isLoading && hasMore && !listed,
    isLasting: true,
  });
  return listed ?? data;
}

export const useWebhook = (id: string): UseQueryResult<Webhook> =>
  useOne<Webhook>('webhooks', ['one', id], `v1/webhooks/${id}`, { refetchMs: 5_000 });

/** What applies to a webhook that says nothing of it. */
export const useWebhookDefaults = (): UseQueryResult<WebhookDefaults> =>
  useOne('webhooks', ['defaults'], 'v1/webhooks/defaults');

/** The names of the event types that a webhook can subscribe to. */
export const useAvailableEvents = (): UseQueryResult<{ events: string[] }> =>
  useOne('event-types', ['available'], 'v1/webhooks/events/available');

/** The names of the types by which events and deliveries are found: those as well that nobody can post. */
export function useTypesToFind(): string[] {
  const { data } = useAvailableEvents();
  const ping = useWebhookDefaults().data?.pingType ?? null;
  return [...(data?.events ?? []), ...OPERATIONAL_TYPES, ...(ping === null ? [] : [ping])];
}

export const useCreateWebhook = (): UseMutationResult<
  NewWebhook,
  Error,
  WebhookInput & { url: string; secret?: string }
> =>
  useAct({
    run: (body) => request<NewWebhook>('POST', 'v1/webhooks', { body }),
    doneLeft: done.createdLeft,
    changes: CHANGES,
    isQuiet: true,
    isLeft: true,
  });

export const useUpdateWebhook = (
  id: string,
): UseMutationResult<UpdatedWebhook, Error, Partial<WebhookInput>> =>
  useAct({
    run: (body) => request<UpdatedWebhook>('PATCH', `v1/webhooks/${id}`, { body }),
    done: done.saved,
    changes: CHANGES,
    isQuiet: true,
  });

export const useEnableWebhook = (
  id: string,
): UseMutationResult<UpdatedWebhook, Error, { isActive: boolean }> =>
  useAct({
    run: (body) => request<UpdatedWebhook>('PATCH', `v1/webhooks/${id}`, { body }),
    done: (_webhook, { isActive }) => (isActive ? done.enabled : done.disabled),
    changes: [...CHANGES, 'deliveries'],
  });

export const usePauseWebhook = (
  id: string,
): UseMutationResult<Webhook, Error, { isPaused: boolean }> =>
  useAct({
    run: ({ isPaused }) =>
      request<Webhook>('POST', `v1/webhooks/${id}/${isPaused ? 'pause' : 'resume'}`),
    done: (_webhook, { isPaused }) => (isPaused ? done.paused : done.resumed),
    changes: [...CHANGES, 'deliveries'],
  });

export const useDeleteWebhook = (id: string): UseMutationResult<unknown, Error, void> =>
  useAct({
    run: () => request('DELETE', `v1/webhooks/${id}`),
    done: done.deleted,
    changes: [...CHANGES, 'deliveries'],
    isLeft: true,
  });

/** Not cached: a secret stays in the dialog that shows it. */
export const useRevealSecret = (id: string): UseMutationResult<Secret, Error, void> =>
  useAct({ run: () => request<Secret>('GET', `v1/webhooks/${id}/secret`), changes: [] });

export const useRotateSecret = (
  id: string,
): UseMutationResult<Secret, Error, { overlapHours: number }> =>
  useAct({
    run: (body) => request<Secret>('POST', `v1/webhooks/${id}/secret/rotate`, { body }),
    done: done.rotated,
    changes: CHANGES,
    isLeft: true,
  });

/** @param data by event type: JSON as it was typed, instead of the type's sample */
export const useSendTest = (
  id: string,
): UseMutationResult<
  { deliveries: { id: string; eventType: string }[] },
  Error,
  { events: string[]; data: ReadonlyMap<string, string> }
> =>
  useAct({
    run: ({ events, data }) => {
      const members = [...data].map(([type, text]) => `${JSON.stringify(type)}:${text}`);
      // A portal's customers send samples only.
      const own = members.length === 0 ? '' : `,"data":{${members.join(',')}}`;
      const text = `{"events":${JSON.stringify(events)}${own}}`;
      return request('POST', `v1/webhooks/${id}/test`, { text });
    },
    changes: ['deliveries', 'events', 'audit'],
    isQuiet: true,
    isLeft: true,
  });
