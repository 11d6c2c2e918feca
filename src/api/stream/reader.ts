import type { Response } from 'express';

/** Bytes that a reader may leave unread; then it is disconnected, and continues where it was. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** Deliveries that are told of at once; a list is better for more. */
export const MAX_AT_ONCE = 200;
const RECONNECT_AFTER_MS = 2000;

/** Why the list has to be loaded again. */
export type ReloadReason = 'missed' | 'busy' | 'many' | 'polling';

/** A delivery as it is told: written once for all readers. */
export interface ToldDelivery {
  id: string;
  json: string;
}

/** One client of the stream. */
export class StreamReader {
  /** The position after which it continues, until what it has missed since then is looked up. */
  after: string | null = null;
  /**
   * What it is shown while that is looked up, and is therefore newer; null: it has missed nothing. Meanwhile it is
   * told no positions: it could not continue after one.
   */
  private shown: Set<string> | null = null;
  private isReady = false;

  /**
   * @param owner whose places it takes (`placeOf`)
   * @param isAllowed whether its key, session or link still allows it to read
   */
  constructor(
    private readonly res: Response,
    readonly keyId: string,
    readonly owner: string,
    readonly projectId: string,
    readonly isAllowed: () => Promise<boolean>,
  ) {}

  begin(): void {
    this.res.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Proxies like nginx would keep it back otherwise.
      'X-Accel-Buffering': 'no',
    });
    this.res.flushHeaders();
    this.write(`retry: ${RECONNECT_AFTER_MS}\n\n`);
  }

  get isBehind(): boolean {
    return this.shown !== null;
  }

  continueAfter(position: string): void {
    this.after = position;
    this.shown = new Set();
  }

  /** @param missed oldest first; null: what it has missed can no longer be known */
  catchUp(missed: readonly ToldDelivery[] | null): void {
    const { shown } = this;
    if (!shown) return;
    this.shown = null;
    if (!missed) this.reload('missed');
    else if (missed.length > MAX_AT_ONCE) this.reload('many');
    else {
      const unshown = missed.filter(({ id }) => !shown.has(id));
      this.write(unshown.map(({ json }) => textOf('delivery', json, null)).join(''));
    }
  }

  /** @param position after all of them: only the last one carries it, or some could be missed */
  show(deliveries: readonly ToldDelivery[], position: string): void {
    for (const { id } of deliveries) this.shown?.add(id);
    if (Math.max(deliveries.length, this.shown?.size ?? 0) > MAX_AT_ONCE) {
      this.reload('many', position);
    } else {
      const id = this.isBehind ? null : position;
      const last = deliveries.length - 1;
      // One write for all: a project may have a hundred readers.
      this.write(
        deliveries
          .map(({ json }, at) => textOf('delivery', json, at === last ? id : null))
          .join(''),
      );
    }
    if (this.isReady || this.isBehind) return;
    this.isReady = true;
    this.send('ready', {}, position);
  }

  /** Whoever loads its lists again has missed nothing. */
  reload(reason: ReloadReason, position: string | null = null): void {
    this.after = null;
    this.shown = null;
    this.send('reload', { reason }, position);
  }

  /** Shows that the connection is alive, and keeps the position recent while nothing happens. */
  beat(position: string | null): void {
    const isAt = position !== null && this.isReady && !this.isBehind;
    this.write(isAt ? `id: ${position}\n\n` : ':\n\n');
  }

  end(reason: 'unauthorized' | 'restart'): void {
    this.send('end', { reason }, null);
    this.res.end();
  }

  private send(event: string, data: unknown, id: string | null): void {
    this.write(textOf(event, JSON.stringify(data), id));
  }

  private write(text: string): void {
    const { res } = this;
    if (text === '' || res.writableEnded || res.destroyed) return;
    res.write(text);
    if (res.writableLength > MAX_UNSENT_BYTES) res.socket?.resetAndDestroy();
  }
}

function textOf(event: string, json: string, id: string | null): string {
  const position = id === null ? '' : `id: ${id}\n`;
  return `event: ${event}\n${position}data: ${json}\n\n`;
}
