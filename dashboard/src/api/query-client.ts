import { useSyncExternalStore } from 'react';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { looksAt } from './looks';
import { isWatched } from './lists';
import { isPassing, isUnauthorized, Problem, troubleOf } from './problem';

/** Between two looks at what could not be loaded, unless the answer says when. */
const TRY_AGAIN_MS = 5_000;
const MAX_WAIT_MS = 30_000;
/** As long as a session lasts. */
const KEPT_MS = 12 * 60 * 60_000;

export const SESSION_KEY = ['session'];

/** Whatever is answered 401 ends the session, wherever it was asked. Whose it was is kept for whoever goes on. */
function endSessionIfRefused(error: unknown): void {
  if (!isUnauthorized(error)) return;
  // The page is hidden then, where nothing uses what it shows, and its forms would go with their answers.
  for (const query of cache.findAll({ type: 'active' })) {
    if (query.state.data !== undefined) query.setOptions({ ...query.options, gcTime: KEPT_MS });
  }
  queryClient.setQueryData<{ state: string }>(SESSION_KEY, (before) =>
    before?.state === 'in' ? { ...before, state: 'ended' } : before,
  );
}

/** Also without a network: what can't be asked then fails and says so, and nothing is done later by surprise. */
const networkMode = 'always';

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: endSessionIfRefused }),
  mutationCache: new MutationCache({ onError: endSessionIfRefused }),
  defaultOptions: {
    queries: {
      networkMode,
      staleTime: 10_000,
      refetchOnWindowFocus: isWatched,
      // In an outage however often, so that a page recovers by itself; meanwhile it says why (`troubleOf`).
      retry: (failures, error) => error instanceof Problem && failures + 1 < looksAt(error),
      retryDelay: (failures, error) =>
        Math.min(
          error instanceof Problem && error.retryAfterSeconds !== null
            ? error.retryAfterSeconds * 1000
            : Math.min(1000 * 2 ** failures, TRY_AGAIN_MS),
          MAX_WAIT_MS,
        ),
    },
    mutations: { networkMode, retry: false },
  },
});

const cache = queryClient.getQueryCache();

/** Why something that the page shows is no longer kept up to date; null: everything is. */
export const useTrouble = (): Error | null =>
  useSyncExternalStore(
    (listener) => cache.subscribe(listener),
    () => {
      for (const { state } of cache.findAll({ type: 'active' })) {
        const trouble = troubleOf({
          error: state.error,
          failureCount: state.fetchFailureCount,
          failureReason: state.fetchFailureReason,
        });
        if (trouble !== null && state.data !== undefined && isPassing(trouble)) return trouble;
      }
      return null;
    },
  );
