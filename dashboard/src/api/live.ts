import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { open } from './http';
import { keyOf } from './lists';

const RECONNECT_MS = 5_000;
/** However many change, what is shown is asked for no sooner than this after the last time. */
const CALM_MS = 1_000;
/** What tells that what is shown is old. */
const CHANGES = new Set(['ready', 'delivery', 'reload']);

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
      onChange: () => void client.invalidateQueries({ queryKey: keyOf('deliveries') }),
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
  onChange: () => void;
}): () => void {
  const ended = new AbortController();
  let calm: ReturnType<typeof setTimeout> | undefined;
  let reconnect: ReturnType<typeof setTimeout> | undefined;
  let isOld = false;
  const change = (): void => {
    isOld = true;
    if (calm === undefined) tell();
  };
  const tell = (): void => {
    calm = undefined;
    if (!isOld) return;
    isOld = false;
    onChange();
    calm = setTimeout(tell, CALM_MS);
  };
  const connect = async (): Promise<void> => {
    try {
      for await (const name of eventsOf(await open('v1/stream', ended.signal))) {
        if (name === 'ready') onTold(true);
        if (CHANGES.has(name)) change();
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

/** The names of server-sent events as they arrive; what they say is asked for by the lists' own filters. */
async function* eventsOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let line = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (line + value).split('\n');
    line = lines.pop()!;
    for (const one of lines) {
      const name = /^event: ?(\w+)/.exec(one)?.[1];
      if (name !== undefined) yield name;
    }
  }
}
