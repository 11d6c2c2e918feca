import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { request, type Query } from './http';
import { useAct, useList, useOne, type List } from './lists';
import type { AcceptedEvent, EventType, EventWithDeliveries, ListedEvent } from './types';
import { texts } from '../texts';

export const useEvents = (
  filters: Query = {},
  options: { refetchMs?: number | false; pageSize?: number; enabled?: boolean } = {},
): List<ListedEvent> => useList('events', 'events', filters, options);

export const useEvent = (id: string): UseQueryResult<EventWithDeliveries> =>
  useOne<EventWithDeliveries>('events', ['one', id], `v1/events/${id}`, { refetchMs: 5_000 });

export const useSendEvent = (): UseMutationResult<
  AcceptedEvent,
  Error,
  { type: string; data: unknown }
> =>
  useAct({
    run: (body) => request<AcceptedEvent>('POST', 'v1/events', { body }),
    done: texts.events.done.sent,
    changes: ['events', 'deliveries', 'stats'],
    isQuiet: true,
  });

export const useExpungeEvent = (): UseMutationResult<unknown, Error, { id: string }> =>
  useAct({
    run: ({ id }) => request('DELETE', `v1/events/${id}`),
    done: texts.events.done.expunged,
    changes: ['events', 'deliveries', 'audit'],
  });

export const useEventTypes = (): List<EventType> =>
  useList<EventType>('event-types', 'eventTypes', {}, { pageSize: 100 });

export const useSaveEventType = (): UseMutationResult<EventType, Error, EventType> =>
  useAct({
    run: ({ type, ...body }) =>
      request<EventType>('PUT', `v1/event-types/${encodeURIComponent(type)}`, { body }),
    done: texts.eventTypes.done.saved,
    changes: ['event-types', 'audit'],
    isQuiet: true,
  });

export const useDeleteEventType = (): UseMutationResult<unknown, Error, { type: string }> =>
  useAct({
    run: ({ type }) => request('DELETE', `v1/event-types/${encodeURIComponent(type)}`),
    done: texts.eventTypes.done.deleted,
    changes: ['event-types', 'audit'],
  });
