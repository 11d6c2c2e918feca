import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from './problem';

/** What another look a moment later may cure. */
const isPassing = (error: unknown): boolean =>
  error instanceof Problem && (error.status === 0 || error.status === 429 || error.status >= 500);

const MAX_RETRIES = 3;
const MAX_WAIT_MS = 30_000;

export const SESSION_KEY = ['session'];

/** Whatever is answered 401 ends the session, wherever it was asked. */
function endSessionIfRefused(error: unknown): void {
  if (error instanceof Problem && error.status === 401) {
    queryClient.setQueryData(SESSION_KEY, { state: 'ended' });
  }
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: endSessionIfRefused }),
  mutationCache: new MutationCache({ onError: endSessionIfRefused }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => isPassing(error) && failures < MAX_RETRIES,
      retryDelay: (failures, error) =>
        Math.min(
          error instanceof Problem && error.retryAfterSeconds !== null
            ? error.retryAfterSeconds * 1000
            : 1000 * 2 ** failures,
          MAX_WAIT_MS,
        ),
    },
    mutations: { retry: false },
  },
});
