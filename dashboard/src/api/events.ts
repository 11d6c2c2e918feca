import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { useRef } from 'react';
import { request, type Query } from './http';
import { useAct, useList, useOne, type List, type ListOptions } from './lists';
import type {
  AcceptedEvent,
  EventType,
  EventWithDeliveries,
  ListedEvent,
  ListedEventType,
} from './types';
import { texts } from '../texts';

export const useEvents = (filters: Query = {}, options: ListOptions = {}): List<ListedEvent> =>
  useList('events', 'events', filters, options);

export const useEvent = (id: string): UseQueryResult<EventWithDeliveries> =>
  useOne<EventWithDeliveries>('events', ['one', id], `v1/events/${id}`, {
    refetchMs: 5_000,
  });

/** The same, sent again because its answer was lost, is one event. */
export function useSendEvent(): UseMutationResult<
  AcceptedEvent,
  Error,
  { type: string; dataText: string }
> {
  const last = useRef({ text: '', key: '' });
  return useAct({
    run: ({ type, dataText }) => {
      const text = `{"type":${JSON.stringify(type)},"data":${dataText}}`;
      // Not `randomUUID`, which is missing where the page comes by plain http.
      if (text !== last.current.text) {
        last.current = { text, key: crypto.getRandomValues(new Uint32Array(4)).join('-') };
      }
      const headers = { 'idempotency-key': last.current.key };
      return request<AcceptedEvent>('POST', 'v1/events', { text, headers });
    },
    done: texts.events.done.sent,
    changes: ['events', 'deliveries', 'stats'],
    isQuiet: true,
    isLeft: true,
  });
}

export const useExpungeEvent = (): UseMutationResult<unknown, Error, { id: string }> =>
  useAct({
    run: ({ id }) => request('DELETE', `v1/events/${id}`),
    done: texts.events.done.expunged,
    changes: ['events', 'deliveries', 'audit'],
  });

export const useEventTypes = (
  options: { refetchMs?: number | false } = {},
): List<ListedEventType> =>
  useList<ListedEventType>('event-types', 'eventTypes', {}, { pageSize: 100, ...options });

/** Whether the project defines types itself: those of other profiles always have some. */
export const canDefine = ({ items, isLoading, error }: List<ListedEventType>): boolean =>
  !isLoading && error === null && !items.some(({ source }) => source === 'profile');

/** `schema` and `sample` as JSON, as it was typed. */
export const useSaveEventType = (): UseMutationResult<
  EventType,
  Error,
  { type: string; description: string; schema: string; sample: string }
> =>
  useAct({
    run: ({ type, description, schema, sample }) =>
      request<EventType>('PUT', `v1/event-types/${encodeURIComponent(type)}`, {
        text: `{"description":${JSON.stringify(description)},"schema":${schema},"sample":${sample}}`,
      }),
    done: texts.eventTypes.done.saved,
    changes: ['event-types', 'audit'],
    isQuiet: true,
  });

export const useDeleteEventType = (): UseMutationResult<unknown, Error, { type: string }> =>
  useAct({
    run: ({ type }) => request('DELETE', `v1/event-types/${encodeURIComponent(type)}`),
    done: texts.eventTypes.done.deleted,
    changes: ['event-types', 'audit'],
    isLeft: true,
  });
