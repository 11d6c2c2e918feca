import { useQueryClient, type Query } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { open } from './http';
import { keyOf } from './lists';
import { isLeftAlone } from './problem';

const RECONNECT_MS = 5_000;
/** The API sends something every 5 s (docs/contract.md, 5.7): after this much silence nobody is there any more. */
const SILENCE_MS = 15_000;
/** However many change, what is shown is asked for no sooner than this after the last time. */
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
      onChange: (ids) => {
        const isOld = ({ queryKey: [, , , what, id], state }: Query): boolean =>
          !isLeftAlone(state.error) && (ids === null || what === 'list' || ids.has(id));
        void client.invalidateQueries({ queryKey: keyOf('deliveries'), predicate: isOld });
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
  /** With the ids of the deliveries that have changed; null: any may have. */
  onChange: (ids: ReadonlySet<unknown> | null) => void;
}): () => void {
  const ended = new AbortController();
  let calm: ReturnType<typeof setTimeout> | undefined;
  let reconnect: ReturnType<typeof setTimeout> | undefined;
  let changed = new Set<string>();
  let isAllOld = false;
  const tell = (): void => {
    calm = undefined;
    if (!isAllOld && changed.size === 0) return;
    onChange(isAllOld ? null : changed);
    changed = new Set();
    isAllOld = false;
    calm = setTimeout(tell, CALM_MS);
  };
  const connect = async (): Promise<void> => {
    try {
      for await (const { name, data } of eventsOf(await open('v1/stream', ended.signal))) {
        if (name === 'ready') onTold(true);
        if (ALL.has(name)) isAllOld = true;
        else if (name === 'delivery') changed.add((JSON.parse(data) as { id: string }).id);
        if (calm === undefined) tell();
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
    clearTimeout(calm);
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
