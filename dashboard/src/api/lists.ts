import {
  hashKey,
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
  type UseInfiniteQueryResult,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useEffect, useReducer, useRef } from 'react';
import { credentials, forWhoAsks, request, type Query } from './http';
import { explain, isLeftAlone, isUnauthorized, Problem, useTroubleOf } from './problem';
import { texts } from '../texts';
import { notify } from '../ui/toast';

/** What is cached belongs to a project, of which the admin has several, except for these themselves. */
const keyIn = (
  projectId: string | null,
  resource: string,
  ...rest: readonly unknown[]
): readonly unknown[] => ['v1', resource === 'projects' ? null : projectId, resource, ...rest];

/** Of the project that is open. */
export const keyOf = (resource: string, ...rest: readonly unknown[]): readonly unknown[] =>
  keyIn(credentials.projectId, resource, ...rest);

const PAGE_SIZE = 50;
const MAX_WATCHED_PAGES = 4;

/** Each reload asks for all loaded pages of a list. */
const isShort = (data: unknown): boolean =>
  ((data as { pages?: unknown[] } | undefined)?.pages ?? []).length <= MAX_WATCHED_PAGES;

/**
 * Whether it is reloaded automatically: not what was refused before it was ever there, whose refusal would give way
 * to that it is being loaded each time.
 */
export const isWatched = ({
  state: { data, error },
}: {
  state: { data?: unknown; error: unknown };
}): boolean => isShort(data) && !isLeftAlone(error) && (error === null || data !== undefined);

export interface ListOptions {
  /** Milliseconds between automatic reloads; false: none. */
  refetchMs?: number | false;
  pageSize?: number;
  enabled?: boolean;
  /** True: while other filters are asked for, what the former ones found stays. */
  keepsFormer?: boolean;
}

export interface List<T> {
  items: T[];
  isLoading: boolean;
  isRefreshing: boolean;
  error: unknown;
  hasMore: boolean;
  /**
   * The time up to which was looked, where the last page had nothing although there are more: what matches is
   * rare, and may be a thousand pages away. They are loaded when somebody asks for it.
   */
  lookedTo: string | null;
  /** Nothing of it is missing, as far as was known at the last look. */
  isWhole: boolean;
  /** More is loaded than is reloaded automatically. */
  isLong: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  refresh: () => void;
}

/**
 * A list of the API, page after page by its cursor.
 * @param plural the member of the answer that holds the items
 */
export function useList<T>(
  resource: string,
  plural: string,
  filters: Query = {},
  { refetchMs = false, pageSize = PAGE_SIZE, enabled = true, keepsFormer }: ListOptions = {},
): List<T> {
  const queryKey = keyOf(resource, 'list', filters, pageSize);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      request<Record<string, T[]> & { nextCursor: string | null }>('GET', `v1/${resource}`, {
        query: { ...filters, limit: pageSize, cursor: pageParam },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: (watched) => isWatched(watched) && refetchMs,
    enabled,
    ...(keepsFormer && { placeholderData: keepPreviousData }),
  });
  return useListFrom(queryKey, query, (page) => page[plural] ?? []);
}

/** Cursors are ids, which begin with their time; null: this one is a name. */
function timeOf(cursor: string): string | null {
  const digits = /^[a-z]+_([\da-f]{12})/.exec(cursor)?.[1];
  return digits === undefined ? null : new Date(Number.parseInt(digits, 16)).toISOString();
}

/** @param itemsOf one page */
export function useListFrom<Page extends { nextCursor: string | null }, T>(
  queryKey: QueryKey,
  query: UseInfiniteQueryResult<InfiniteData<Page>>,
  itemsOf: (page: Page) => T[],
): List<T> {
  const error = useTroubleOf(query);
  const isAsked = useIsAsked(queryKey);
  const last = query.data?.pages.at(-1);
  const isFormerNone =
    query.isPlaceholderData && query.data.pages.every((page) => itemsOf(page).length === 0);
  return {
    // What other filters found is no answer to these.
    items:
      error !== null && query.isPlaceholderData ? [] : (query.data?.pages.flatMap(itemsOf) ?? []),
    // Not pending alone: what is not to be asked is not being loaded. That others found nothing says nothing here.
    isLoading: (query.isLoading || isFormerNone) && error === null,
    isRefreshing: query.isRefetching || (query.isLoading && error !== null),
    error,
    hasMore: query.hasNextPage,
    lookedTo: last?.nextCursor && itemsOf(last).length === 0 ? timeOf(last.nextCursor) : null,
    isWhole: query.data !== undefined && !query.isPlaceholderData && !query.hasNextPage,
    isLong: !isShort(query.data),
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => {
      if (query.hasNextPage) void loadNext(query, query.data!.pages.length, isAsked);
    },
    refresh: () => void query.refetch(),
  };
}

/**
 * Whether these filters are still, or already, what more is asked of: others may have been chosen while something
 * was waited for, and they are only drawn when they have just been chosen. Whoever asks too early is drawn again.
 */
function useIsAsked(queryKey: QueryKey): () => boolean {
  const key = hashKey(queryKey);
  const asked = useRef<string | null>(key);
  const [, drawAgain] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    if (asked.current !== key) drawAgain();
    asked.current = key;
    return () => void (asked.current = null);
  }, [key]);
  return () => asked.current === key;
}

/**
 * @param loaded how many pages there are
 * @param isAsked false: what is loaded next would be of another list
 */
async function loadNext(
  { fetchNextPage }: Pick<UseInfiniteQueryResult<InfiniteData<unknown>>, 'fetchNextPage'>,
  loaded: number,
  isAsked: () => boolean,
): Promise<void> {
  if (!isAsked()) return;
  // Several places may ask for the same page at once.
  const { data, isError } = await fetchNextPage({ cancelRefetch: false });
  // While the list is reloaded, that waits for the reload alone.
  if (!isAsked() || isError || data === undefined || data.pages.length > loaded) return;
  await fetchNextPage({ cancelRefetch: false });
}

/** The whole list, page after page: for what is never long. */
export function useAll<T>(list: List<T>): List<T> {
  const { hasMore, loadMore, error } = list;
  useEffect(() => {
    if (hasMore && error === null) loadMore();
  }, [hasMore, loadMore, error]);
  return { ...list, lookedTo: null };
}

/** What is there already, as a list. */
export const listOf = <T>(items: T[]): List<T> => ({
  items,
  isLoading: false,
  isRefreshing: false,
  error: null,
  hasMore: false,
  lookedTo: null,
  isWhole: true,
  isLong: false,
  isLoadingMore: false,
  loadMore: () => undefined,
  refresh: () => undefined,
});

interface OneOptions<T> {
  query?: Query;
  /** Milliseconds between automatic reloads; false: none. */
  refetchMs?: number | false | ((data: T | undefined) => number | false);
  enabled?: boolean;
  /** It hardly changes: it is asked for again only after a few minutes, even if there is none. */
  isLasting?: boolean;
}

const LASTING_MS = 5 * 60_000;

/** One answer of the API. */
export function useOne<T>(
  resource: string,
  rest: readonly unknown[],
  path: string,
  { query, refetchMs = false, enabled = true, isLasting = false }: OneOptions<T> = {},
): UseQueryResult<T> {
  return useQuery({
    queryKey: keyOf(resource, ...rest, query),
    queryFn: ({ signal }) => request<T>('GET', path, { query, signal }),
    refetchInterval: (watched) =>
      isWatched(watched) &&
      (typeof refetchMs === 'function' ? refetchMs(watched.state.data) : refetchMs),
    enabled,
    ...(isLasting && { staleTime: LASTING_MS, retryOnMount: false }),
  });
}

interface Act<Input, Output> {
  run: (input: Input) => Promise<Output>;
  /** What is told when it is done. */
  done?: string | ((output: Output, input: Input) => string);
  /** What is told only to whoever has left what would show it. */
  doneLeft?: (output: Output) => { title: string; description: string };
  /** The resources whose cached answers it makes old. */
  changes: readonly string[];
  /** The project that they are of; without it, the one that is open when it is begun. */
  projectId?: string | undefined;
  /** True: the caller shows the error itself, beside the fields, unless it was closed or left meanwhile. */
  isQuiet?: boolean;
  /** True: what shows it is left, for another page or for the output, and does not wait for what it changed. */
  isLeft?: boolean;
}

/** Refusals of what the page would not have offered if it had known. */
const OUTDATED = new Set([403, 404, 409]);

/** Something done to the API: told by a toast, and everything that it changed is asked for again. */
export function useAct<Input = void, Output = unknown>({
  run,
  done,
  doneLeft,
  changes,
  projectId,
  isQuiet = false,
  isLeft = false,
}: Act<Input, Output>): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient();
  const refresh = (changed: readonly QueryKey[]): Promise<unknown> =>
    Promise.all(changed.map((queryKey) => client.invalidateQueries({ queryKey })));
  // Not `isPending`, of which a page hears only when it is drawn next: somebody may have written something by then.
  const underWay = useRef(0);
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => void (isShown.current = false);
  }, []);
  const mutation = useMutation<Output, Error, Input, readonly QueryKey[]>({
    mutationFn: run,
    onMutate: () => {
      underWay.current += 1;
      // Of the project that it is done in: another one may be chosen meanwhile.
      return changes.map((resource) => keyIn(projectId ?? credentials.projectId, resource));
    },
    onSettled: () => void (underWay.current -= 1),
    onSuccess: async (output, input, changed) => {
      if (done !== undefined) {
        notify({ kind: 'success', title: typeof done === 'string' ? done : done(output, input) });
      }
      if (doneLeft && !isShown.current) notify({ kind: 'success', ...doneLeft(output) });
      const refreshed = refresh(changed);
      if (!isLeft) await forWhoAsks(refreshed);
    },
    onError: (error, _input, changed = []) => {
      const { title, advice } = explain(error);
      if (!isQuiet) notify({ kind: 'error', title, description: advice });
      else if (!isShown.current && changes.length > 0 && !isUnauthorized(error)) {
        notify({ kind: 'error', title, description: `${advice} ${texts.problems.left}`.trim() });
      }
      // What it was offered for has changed meanwhile.
      if (error instanceof Problem && OUTDATED.has(error.status)) void refresh(changed);
    },
  });
  const { reset } = mutation;
  return {
    ...mutation,
    reset: () => {
      // What becomes of what is on its way is told in any case: it would be forgotten with it.
      if (underWay.current === 0) reset();
    },
  };
}
