import type { Response } from 'express';

/** Bytes that a reader may leave unread; then it is disconnected, and continues where it was. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** Deliveries that are told of at once; of more a list tells better. */
const MAX_AT_ONCE = 200;
const RECONNECT_AFTER_MS = 2000;

/** Why the list has to be loaded again. */
export type ReloadReason = 'missed' | 'many' | 'polling';

/** One client of the stream. */
export class StreamReader {
  /** Deliveries that it has yet to be told of, because they changed before it came. */
  missed: Set<string> | null = null;
  /** While what it has missed is looked up, it could not continue after what it is told. */
  isBehind = false;
  private isReady = false;

  /** @param isAllowed whether its key, session or link still allows it to read */
  constructor(
    private readonly res: Response,
    readonly keyId: string,
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

  /** @param position behind all of them: the last one carries it, or some could be missed */
  show(deliveries: readonly { id: string }[], position: string): void {
    const id = this.isBehind ? null : position;
    if (deliveries.length > MAX_AT_ONCE) {
      this.reload('many', id);
    } else {
      deliveries.forEach((delivery, at) =>
        this.send('delivery', delivery, at === deliveries.length - 1 ? id : null),
      );
    }
    if (this.isReady || id === null) return;
    this.isReady = true;
    this.send('ready', {}, id);
  }

  reload(reason: ReloadReason, position: string | null = null): void {
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
    const position = id === null ? '' : `id: ${id}\n`;
    this.write(`event: ${event}\n${position}data: ${JSON.stringify(data)}\n\n`);
  }

  private write(text: string): void {
    const { res } = this;
    if (res.writableEnded || res.destroyed) return;
    res.write(text);
    if (res.writableLength > MAX_UNSENT_BYTES) res.socket?.resetAndDestroy();
  }
}
