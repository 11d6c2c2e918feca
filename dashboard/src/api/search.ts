import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { request, type Query } from './http';
import { keyOf, useListFrom, type List } from './lists';
import type { ScannedEvents, Search, SearchResult } from './types';

/** How far a search in payloads has looked, all its pages together. */
export type HowFar = Omit<ScannedEvents, 'bytes'>;

/** Any id, an Idempotency-Key, a piece of a name or URL, or `data.<path> = <value>`. */
export function useSearch(
  q: string,
  filters: Query = {},
): { list: List<SearchResult>; scanned: HowFar | null } {
  const queryKey = keyOf('search', q, filters);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      request<Search>('GET', 'v1/search', {
        query: { ...filters, q, cursor: pageParam },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    enabled: q !== '',
  });
  const pages = query.data?.pages ?? [];
  const parts = pages.flatMap(({ scanned }) => scanned ?? []);
  const [first] = parts;
  const last = parts.at(-1);
  return {
    list: useListFrom(queryKey, query, ({ results }) => results),
    scanned:
      first && last
        ? {
            until: first.until,
            since: last.since,
            events: parts.reduce((sum, { events }) => sum + events, 0),
            isComplete: last.isComplete,
          }
        : null,
  };
}

const ID = /^[a-z]+_[\da-f]{32}$/;

/** For the admin only: what has that id, in whichever project. */
export const useAnywhere = (id: string, isAdmin: boolean): UseQueryResult<SearchResult | null> =>
  useQuery({
    queryKey: keyOf('search', 'anywhere', id),
    queryFn: async ({ signal }) => {
      const query = { q: id };
      const found = await request<Search>('GET', 'v1/search', { query, projectId: null, signal });
      return found.results[0] ?? null;
    },
    enabled: isAdmin && ID.test(id),
  });
