import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { credentials } from '../../api/http';
import { queryClient, SESSION_KEY } from '../../api/query-client';
import { PORTAL_PROJECT } from '../../portal-project';
import { askParent, onParentMessage, parentAnswers } from './parent';

/** What a portal link allows, as its token says; the API checks the signature. */
export interface PortalLink {
  projectId: string;
  capabilities: 'read' | 'manage';
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** `none`: the page was opened without a link. `foreign`: the link is for another project. */
export type Linked = { state: 'in' | 'ended'; link: PortalLink } | { state: 'none' | 'foreign' };

/** How long before its end another link is asked for: a tenth of what is left, but no less. */
const RENEW_SHARE = 0.1;
const RENEW_MIN_MS = 15_000;
/** Between two times that one is asked for: each costs the embedding application a request. */
const ASK_AGAIN_MS = 10_000;
/** What a timer can wait for. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @returns null if it isn't a token of a portal link */
function read(token: string): PortalLink | null {
  const body = /^php_([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (body === undefined) return null;
  try {
    const text = atob(body.replaceAll('-', '+').replaceAll('_', '/'));
    const { projectId, capabilities, expiresAt } = JSON.parse(text) as PortalLink;
    return { projectId, capabilities, expiresAt };
  } catch {
    return null;
  }
}

let renewal: ReturnType<typeof setTimeout> | undefined;
let askedAt = Number.NEGATIVE_INFINITY;

function askForLink(): void {
  clearTimeout(renewal);
  const waitMs = askedAt + ASK_AGAIN_MS - performance.now();
  if (waitMs > 0) {
    renewal = setTimeout(askForLink, waitMs);
    return;
  }
  askedAt = performance.now();
  askParent('renew');
}

/** Uses a link from now on. The token stays in memory. */
function begin(token: string): Linked {
  const link = read(token);
  if (!link) return { state: 'none' };
  if (link.projectId !== PORTAL_PROJECT) return { state: 'foreign' };
  credentials.bearer = token;
  clearTimeout(renewal);
  // By this machine's clock, which may be wrong: whether a link has ended, the API says.
  const leftMs = link.expiresAt - Date.now();
  if (leftMs > 0) {
    const renewInMs = leftMs - Math.max(RENEW_MIN_MS, leftMs * RENEW_SHARE);
    renewal = setTimeout(askForLink, Math.min(MAX_TIMER_MS, Math.max(0, renewInMs)));
  }
  return { state: 'in', link };
}

/**
 * @param given the token in the page's address
 * @returns what it allows; without one, what the embedding page gives instead, as after a reload
 */
async function firstLink(given: string | null): Promise<Linked> {
  if (given !== null) return begin(given);
  const answered = await parentAnswers();
  const known = queryClient.getQueryData<Linked>(SESSION_KEY);
  return answered && known ? known : { state: 'none' };
}

/** The link's state. The embedding page renews it, at any time, without a reload. */
export const usePortalLink = (given: string | null): UseQueryResult<Linked> =>
  useQuery({
    queryKey: SESSION_KEY,
    queryFn: () => firstLink(given),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });

/** Listens for links of the embedding page, and asks for one when the API says that this one has ended. */
export function keepLinked(): void {
  onParentMessage('token', ({ token }) => {
    if (typeof token !== 'string') return;
    const before = queryClient.getQueryData<Linked>(SESSION_KEY);
    const linked = begin(token);
    queryClient.setQueryData(SESSION_KEY, linked);
    // What was refused meanwhile is asked for again; not the link, which would be the former one.
    if (before?.state === 'ended' && linked.state === 'in') {
      void queryClient.invalidateQueries({ queryKey: ['v1'] });
    }
  });
  queryClient.getQueryCache().subscribe(({ query, type }) => {
    if (type !== 'updated' || query.queryKey[0] !== SESSION_KEY[0]) return;
    if ((query.state.data as Linked | undefined)?.state === 'ended') askForLink();
  });
}
