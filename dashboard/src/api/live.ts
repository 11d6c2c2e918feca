import { useQueryClient, type Query } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { open } from './http';
import { isWatched, keyOf } from './lists';

const RECONNECT_MS = 5_000;
/** The API sends something every 5 s (docs/contract.md, 5.7): after this much silence nobody is there any more. */
const SILENCE_MS = 15_000;
/** However many change, what is shown is asked for no sooner than this after the last answer. */
const CALM_MS = 1_000;
/** After these, anything may have changed. */
const ALL = new Set(['ready', 'reload']);

/**
 * Has the deliveries that are shown asked for again when one changes.
 * @returns whether changes are told; while they aren't, what is shown has to look itself
 */
export function useLiveDeliveries(isLive: boolean): boolean {
  const client = useQueryClient();
  const [isTold, setTold] = useState(false);
  const isVisible = useSyncExternalStore(onVisibility, () => !document.hidden);
  useEffect(() => {
    // A browser has six connections to a host: tabs that nobody sees leave them to the others.
    if (!isLive || !isVisible) return undefined;
    return follow({
      onTold: setTold,
      onChange: async (ids) => {
        const isOld = (query: Query): boolean => {
          const [, , , what, id] = query.queryKey;
          return isWatched(query) && (ids === null || what === 'list' || ids.has(id));
        };
        const old = { queryKey: keyOf('deliveries'), predicate: isOld };
        const isNew = client.isFetching(old) === 0;
        // A long list would never be whole if it began anew at each change.
        await client.invalidateQueries(old, { cancelRefetch: false });
        return isNew;
      },
    });
  }, [client, isLive, isVisible]);
  return isTold;
}

function onVisibility(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}

/** @returns what ends it */
function follow({
  onTold,
  onChange,
}: {
  onTold: (isTold: boolean) => void;
  /**
   * With the ids of the deliveries that have changed; null: any may have.
   * @returns false: some of what came now was asked for before
   */
  onChange: (ids: ReadonlySet<unknown> | null) => Promise<boolean>;
}): () => void {
  const ended = new AbortController();
  let reconnect: ReturnType<typeof setTimeout> | undefined;
  let changed: Set<unknown> | null = new Set();
  let isTelling = false;
  const add = (ids: Iterable<unknown> | null): void => {
    if (ids === null) changed = null;
    else for (const id of ids) changed?.add(id);
  };
  const tell = async (): Promise<void> => {
    if (isTelling) return;
    isTelling = true;
    while (changed?.size !== 0 && !ended.signal.aborted) {
      const told = changed;
      changed = new Set();
      if (!(await onChange(told))) add(told);
      await new Promise((resolve) => setTimeout(resolve, CALM_MS));
    }
    isTelling = false;
  };
  const connect = async (): Promise<void> => {
    try {
      for await (const { name, data } of eventsOf(await open('v1/stream', ended.signal))) {
        if (name === 'ready') onTold(true);
        if (ALL.has(name)) add(null);
        else if (name === 'delivery') add([(JSON.parse(data) as { id: string }).id]);
        void tell();
      }
    } catch {
      // Refused or cut off: what is shown looks itself until it is there again.
    }
    if (ended.signal.aborted) return;
    onTold(false);
    reconnect = setTimeout(() => void connect(), RECONNECT_MS);
  };
  void connect();
  return () => {
    ended.abort();
    clearTimeout(reconnect);
    onTold(false);
  };
}

/** Server-sent events as they arrive, until the stream ends or falls silent. */
async function* eventsOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<{ name: string; data: string }> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let line = '';
  let name = '';
  for (;;) {
    const silence = setTimeout(() => void reader.cancel(), SILENCE_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    const lines = (line + value).split('\n');
    line = lines.pop()!;
    for (const one of lines) {
      const [, field, text = ''] = /^(\w+): ?(.*)$/.exec(one) ?? [];
      if (field === 'event') name = text;
      else if (field === 'data') yield { name, data: text };
    }
  }
}
