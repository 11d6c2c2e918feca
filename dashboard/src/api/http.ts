import { HOUR_MS } from '../../../src/domain/durations';
import { followClock, nowMs } from './clock';
import { Problem } from './problem';
import type { ErrorBody } from './types';
import { writtenAsStrings } from './written';
import { PORTAL_PROJECT } from '../portal-project';
import { texts } from '../texts';

/** What a request carries besides itself. Kept here, in memory, never in storage. */
interface Credentials {
  csrfToken: string | null;
  /** The portal's; the dashboard has a cookie, which scripts can't read. */
  bearer: string | null;
  projectId: string | null;
  /** Another number whenever somebody has signed out, or in with another key. */
  person: number;
}

export const credentials: Credentials = {
  csrfToken: null,
  bearer: null,
  projectId: null,
  person: 0,
};

/** Everything asked from now on is that project's. */
export function actFor(projectId: string): void {
  credentials.projectId = projectId;
}

/** Where the API is: the page is at `…/dashboard/` or `…/portal/<project>/`. */
export const API_ROOT = new URL(PORTAL_PROJECT === null ? '../' : '../../', location.href).pathname;

/** So long before it is asked: in the cache by its length, so that the way back leads to what was there. */
export interface HoursAgo {
  hoursAgo: number;
}

export type Query = Record<string, string | number | boolean | HoursAgo | null | undefined>;

interface Options {
  query?: Query | undefined;
  body?: unknown;
  /** Instead of `body`: JSON as it was typed, whose numbers JavaScript might round. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Instead of the one that is chosen now. */
  projectId?: string | null;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Never settles when somebody else may be there by then: what one person has asked for is told, offered and saved
 * for no other. Whoever waits for it is of a page that is gone.
 */
export async function forWhoAsks<T>(answer: Promise<T>): Promise<T> {
  const { person } = credentials;
  try {
    return await answer;
  } finally {
    if (person !== credentials.person) await new Promise(() => {});
  }
}

/**
 * @param path below the API's root: `v1/webhooks`
 * @returns the answer's `data`
 * @throws Problem
 */
export const request = <T>(method: Method, path: string, options: Options = {}): Promise<T> =>
  forWhoAsks(requestForAnybody<T>(method, path, options));

/** Signing in and out: who asks is another one afterwards. */
export async function requestForAnybody<T>(
  method: Method,
  path: string,
  options: Options,
): Promise<T> {
  const response = await send(method, path, options);
  const answer = parse(await response.text()) as
    { success: true; data: T } | { success: false; error: ErrorBody } | null;
  if (response.ok && answer?.success) return answer.data;
  throw problemOf(response, answer && !answer.success ? answer.error : null);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(writtenAsStrings(text));
  } catch {
    return null;
  }
}

/**
 * For files: a link could not say which project it is for.
 * @throws Problem
 */
export const download = (path: string, query: Query): Promise<Blob> =>
  forWhoAsks(accepted(path, { query }).then((response) => response.blob()));

/**
 * An answer that stays open.
 * @throws Problem
 */
export async function open(
  path: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  return (await accepted(path, { signal })).body!;
}

async function accepted(path: string, options: Options): Promise<Response> {
  const response = await send('GET', path, options);
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as { error?: ErrorBody } | null;
  throw problemOf(response, answer?.error ?? null);
}

async function send(method: Method, path: string, options: Options): Promise<Response> {
  const { query, body, headers, signal } = options;
  // Of projects themselves none is asked: the one that is open may be gone, and all of its requests refused.
  const isOfProjects = /^v1\/projects\b/.test(path);
  const { projectId = isOfProjects ? null : credentials.projectId } = options;
  const text = options.text ?? (body === undefined ? undefined : JSON.stringify(body));
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      ...authorization(method, projectId),
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(text !== undefined && { body: text }),
    ...(signal && { signal }),
  };
  const askedAt = Date.now();
  try {
    const response = await fetch(addressOf(path, query), init);
    followClock(response, askedAt);
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'unreachable', texts.problems.byCode.unreachable.title);
  }
}

function authorization(method: Method, projectId: string | null): Record<string, string> {
  const { bearer, csrfToken } = credentials;
  return {
    ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
    ...(csrfToken !== null && method !== 'GET' && { 'x-csrf-token': csrfToken }),
    ...(projectId !== null && { 'x-project-id': projectId }),
  };
}

/** What of it is given, as it is asked now. */
export function asked(query: Query): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue;
    given[name] =
      typeof value === 'object'
        ? new Date(nowMs() - value.hoursAgo * HOUR_MS).toISOString()
        : String(value);
  }
  return given;
}

/** For links that the browser itself follows, such as exports. */
export function addressOf(path: string, query: Query = {}): string {
  const search = String(new URLSearchParams(asked(query)));
  return `${API_ROOT}${path}${search && `?${search}`}`;
}

function problemOf(response: Response, error: ErrorBody | null): Problem {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new Problem(
    response.status,
    error?.code ?? 'unreadable_answer',
    error?.message ?? texts.problems.unexpected.title,
    error?.details,
    error?.requestId ?? response.headers.get('x-request-id'),
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}
