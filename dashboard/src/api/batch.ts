import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { request, type Query } from './http';
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
  state: 'idle' | 'running' | 'ended' | 'stopped';
  done: number;
  /** How many were refused, by the reason. */
  refused: ReadonlyMap<string, number>;
  /** Rejects if not even the list of what is to be done could be had. */
  run: (ids: Iterable<string> | AsyncIterable<string>, action: BatchAction) => Promise<void>;
  stop: () => void;
}

const AT_ONCE = 4;
const NONE: Pick<Batch, 'state' | 'done' | 'refused'> = {
  state: 'idle',
  done: 0,
  refused: new Map(),
};

/** Does the same to many deliveries, a few at a time, and tells how far it is. */
export function useBatch(): Batch {
  const client = useQueryClient();
  const [now, setNow] = useState(NONE);
  const isStopped = useRef(false);

  const run: Batch['run'] = async (ids, action) => {
    isStopped.current = false;
    let done = 0;
    const refused = new Map<string, number>();
    const tell = (state: Batch['state']): void =>
      setNow({ state, done, refused: new Map(refused) });
    tell('running');
    const iterator = iterate(ids);
    const work = async (): Promise<void> => {
      for (;;) {
        const next = isStopped.current ? null : await iterator.next();
        if (next === null || next.done) return;
        try {
          await whenAllowed(() => request('POST', `v1/deliveries/${next.value}/${action}`));
          done += 1;
        } catch (error) {
          const { title } = explain(error);
          refused.set(title, (refused.get(title) ?? 0) + 1);
        }
        tell('running');
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } finally {
      tell(isStopped.current ? 'stopped' : 'ended');
      for (const resource of ['deliveries', 'webhooks', 'stats', 'audit']) {
        void client.invalidateQueries({ queryKey: keyOf(resource) });
      }
    }
  };
  return { ...now, run, stop: () => void (isStopped.current = true) };
}

/** An async generator hands out one id at a time, however many workers ask at once. */
async function* iterate(ids: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  yield* ids;
}

/** The ids of all deliveries that match, in the statuses in which the action is allowed. */
export async function* matching(filters: Query, action: BatchAction): AsyncGenerator<string> {
  const asked = filters.status ? String(filters.status).split(',') : null;
  const status = ALLOWED[action].filter((one) => asked?.includes(one) ?? true);
  if (status.length === 0) return;
  let cursor: string | null = null;
  do {
    const query: Query = { ...filters, status: status.join(','), limit: 100, cursor };
    const page: { deliveries: DeliverySummary[]; nextCursor: string | null } = await whenAllowed(
      () => request('GET', 'v1/deliveries', { query }),
    );
    for (const { id } of page.deliveries) yield id;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

const MAX_WAITS = 10;

/** Waits as long as the rate limit says. */
async function whenAllowed<T>(ask: () => Promise<T>): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await ask();
    } catch (error) {
      const isLimited = error instanceof Problem && error.status === 429 && waits < MAX_WAITS;
      if (!isLimited) throw error;
      const waitMs = (error.retryAfterSeconds ?? 1) * 1000;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
