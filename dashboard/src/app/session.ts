import {
  useMutation,
  useQuery,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { API_ROOT, credentials, requestForAnybody } from '../api/http';
import { explainInLine, isPassing, isUnauthorized, Problem } from '../api/problem';
import { queryClient, SESSION_KEY } from '../api/query-client';
import type { Session } from '../api/types';
import { texts } from '../texts';
import { notify, withdrawAll } from '../ui/toast';
import { given } from './address';

/** Of no project: whoever signs in next may have a key of another. */
const requestSession = <T>(
  method: 'GET' | 'POST' | 'DELETE',
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<T> => requestForAnybody<T>(method, 'dashboard/session', { ...options, projectId: null });

/** `linkUsed`: a sign-in link was followed, and is no longer valid. `ended`: there was a session. */
export type SignedIn = { state: 'in' | 'ended'; session: Session } | { state: 'out' | 'linkUsed' };

/** What one key may see is not shown to the next, nor is what it has asked for answered to it. */
function forget(): void {
  credentials.person += 1;
  queryClient.removeQueries({ queryKey: ['v1'] });
  withdrawAll();
}

function begin(session: Session): SignedIn {
  const before = queryClient.getQueryData<SignedIn>(SESSION_KEY);
  credentials.csrfToken = session.csrfToken;
  if (before && 'session' in before && before.session.keyId === session.keyId) {
    // What was refused meanwhile is asked for again.
    void queryClient.invalidateQueries({ queryKey: ['v1'] });
  } else {
    forget();
    credentials.projectId = session.projectId;
  }
  return { state: 'in', session };
}

/** The token of a one-time link. */
let link = given.get('sign-in');

/** Of one Posthorn's tabs, which share its cookie: whatever one does to the session is true of all. */
const tabs = new BroadcastChannel(`posthorn.session${API_ROOT}`);

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has only its own origin
const tellOtherTabs = (): void => tabs.postMessage(null);

/** @returns what ends it */
export function followOtherTabs(): () => void {
  const ask = (): void => void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
  tabs.addEventListener('message', ask);
  return () => tabs.removeEventListener('message', ask);
}

async function current(): Promise<SignedIn> {
  const token = link;
  try {
    if (token === null) return begin(await requestSession<Session>('GET'));
    const begun = begin(await requestSession<Session>('POST', { body: { link: token } }));
    link = null;
    tellOtherTabs();
    return begun;
  } catch (error) {
    // The link may still be valid.
    if (!(error instanceof Problem) || isPassing(error)) throw error;
    link = null;
    forget();
    return { state: token === null ? 'out' : 'linkUsed' };
  }
}

export const useSession = (): UseQueryResult<SignedIn> =>
  useQuery({
    queryKey: SESSION_KEY,
    queryFn: current,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });

/** @throws Problem */
export async function signIn(key: string): Promise<void> {
  const session = await requestSession<Session>('POST', { body: { key } });
  if (session.role === 'sender') {
    await requestSession('DELETE', { headers: { 'x-csrf-token': session.csrfToken } });
    throw new Problem(403, 'forbidden', texts.app.signIn.noSender);
  }
  queryClient.setQueryData(SESSION_KEY, begin(session));
  tellOtherTabs();
}

/** @throws Problem: there is still a session, whose cookie only the server can take away */
async function signOut(): Promise<void> {
  try {
    await requestSession('DELETE');
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
  }
  credentials.csrfToken = null;
  queryClient.setQueryData(SESSION_KEY, { state: 'out' } satisfies SignedIn);
  tellOtherTabs();
  forget();
}

export const useSignOut = (): UseMutationResult<void, Error, void> =>
  useMutation({
    mutationFn: signOut,
    onError: (error) =>
      notify({
        kind: 'error',
        title: texts.app.account.notSignedOut,
        description: explainInLine(error),
      }),
  });
