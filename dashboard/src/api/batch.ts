import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { asked, credentials, request, type Query } from './http';
import { keyOf } from './lists';
import { explain, Problem } from './problem';
import type { DeliveryStatus, DeliverySummary } from './types';

export type BatchAction = 'replay' | 'retry' | 'cancel';

/** The statuses in which a delivery can be replayed, retried or cancelled. */
export const ALLOWED: Record<BatchAction, readonly DeliveryStatus[]> = {
  replay: ['succeeded', 'failed', 'skipped', 'cancelled'],
  retry: ['pending'],
  cancel: ['pending', 'held'],
};

export interface Batch {
  /** `failed`: what is to be done could not be listed to its end. */
  state: 'idle' | 'running' | 'ended' | 'stopped' | 'failed';
  done: number;
  /** How many were refused, by the reason. */
  refused: ReadonlyMap<string, number>;
  /**
   * Rejects when it has failed.
   * @param what ids; or filters: all that match, in a status that allows it
   */
  run: (what: string[] | Query, action: BatchAction) => Promise<void>;
  stop: () => void;
}

const AT_ONCE = 4;
const CHANGES = ['deliveries', 'webhooks', 'stats', 'audit'];
const NONE: Pick<Batch, 'state' | 'done' | 'refused'> = {
  state: 'idle',
  done: 0,
  refused: new Map(),
};

/** Does the same to many deliveries of a project, a few at a time, and tells how far it is, until its page is left. */
export function useBatch(): Batch {
  const client = useQueryClient();
  const [now, setNow] = useState(NONE);
  const isStopped = useRef(false);
  useEffect(() => () => void (isStopped.current = true), []);

  const run: Batch['run'] = async (what, action) => {
    isStopped.current = false;
    // What is chosen while it runs is another one's.
    const { projectId } = credentials;
    const changed = CHANGES.map((resource) => keyOf(resource));
    let done = 0;
    const refused = new Map<string, number>();
    const tell = (state: Batch['state']): void =>
      setNow({ state, done, refused: new Map(refused) });
    tell('running');
    const ids = iterate(Array.isArray(what) ? what : matching(what, action, projectId));
    const work = async (): Promise<void> => {
      for (;;) {
        const next = isStopped.current ? null : await ids.next();
        // It may have been stopped meanwhile.
        if (next === null || next.done || isStopped.current) return;
        try {
          await whenAllowed(
            () => request('POST', `v1/deliveries/${next.value}/${action}`, { projectId }),
            () => isStopped.current,
          );
          done += 1;
        } catch (error) {
          const { title } = explain(error);
          refused.set(title, (refused.get(title) ?? 0) + 1);
        }
        tell('running');
      }
    };
    // Those that have one to do still do it when another could not be told the next.
    const works = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
    const failure = works.find((one) => one.status === 'rejected');
    tell(failure ? 'failed' : isStopped.current ? 'stopped' : 'ended');
    for (const queryKey of changed) void client.invalidateQueries({ queryKey });
    if (failure) throw failure.reason;
  };
  return { ...now, run, stop: () => void (isStopped.current = true) };
}

/** An async generator hands out one id at a time, however many workers ask at once. */
async function* iterate(ids: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  yield* ids;
}

/** The ids of all deliveries that match, in the statuses in which the action is allowed. */
async function* matching(
  filters: Query,
  action: BatchAction,
  projectId: string | null,
): AsyncGenerator<string> {
  // All pages from one moment on.
  const given = asked(filters);
  const statuses = given.status?.split(',');
  const status = ALLOWED[action].filter((one) => statuses?.includes(one) ?? true);
  if (status.length === 0) return;
  let cursor: string | null = null;
  do {
    const query: Query = { ...given, status: status.join(','), limit: 100, cursor };
    const page: { deliveries: DeliverySummary[]; nextCursor: string | null } = await whenAllowed(
      () => request('GET', 'v1/deliveries', { query, projectId }),
    );
    for (const { id } of page.deliveries) yield id;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

const MAX_WAITS = 10;

/** Waits as long as the rate limit says, unless nobody wants it any more. */
async function whenAllowed<T>(
  ask: () => Promise<T>,
  isStopped: () => boolean = () => false,
): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await ask();
    } catch (error) {
      const isLimited = error instanceof Problem && error.status === 429 && waits < MAX_WAITS;
      if (!isLimited) throw error;
      const waitMs = (error.retryAfterSeconds ?? 1) * 1000;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (isStopped()) throw error;
    }
  }
}
