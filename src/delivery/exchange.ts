import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { type HttpFailure, httpFailure } from './http-failure';
import { type HttpResponse, ResponseReader } from './response-reader';

export type SendResult =
  | ({ kind: 'response'; durationMs: number } & HttpResponse)
  /** With the part of a response that had come before it failed. */
  | ({ kind: 'error'; durationMs: number } & HttpFailure & Partial<HttpResponse>);

export interface ExchangeOptions {
  /** Milliseconds for everything, from connecting to the last byte of the answer. */
  timeoutMs: number;
  isTls: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * One request and its response, as undici's handler. It keeps the time itself, because undici has a
 * timeout for each phase but none for the whole, and can't abort a request that still waits for its
 * connection: such a request is given up here at once, and aborted before its first byte is sent.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly result: Promise<SendResult>;
  private readonly startedAt = performance.now();
  private readonly timer: NodeJS.Timeout;
  private controller: Dispatcher.DispatchController | undefined;
  private reader: ResponseReader | undefined;
  private isOver = false;
  private resolve!: (result: SendResult) => void;
  private reject!: (reason: unknown) => void;

  constructor(private readonly options: ExchangeOptions) {
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.timer = setTimeout(this.onTimeout, options.timeoutMs);
    options.signal?.addEventListener('abort', this.onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isOver) this.abort();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx comes before the answer and isn't one.
    if (statusCode >= 200) this.reader = new ResponseReader(statusCode, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.reader && !this.reader.read(chunk)) this.succeed(this.reader);
  }

  onResponseEnd(): void {
    if (this.reader) this.succeed(this.reader);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const inTlsConnect = this.options.isTls && this.controller === undefined;
    this.fail(httpFailure(error, { inTlsConnect }));
  }

  private readonly onTimeout = (): void => {
    this.fail({
      errorCode: 'timeout',
      errorMessage: `timed out after ${this.options.timeoutMs} ms while ${this.phase()}`,
    });
  };

  private readonly onAbort = (): void => {
    if (this.finish()) this.reject(this.options.signal?.reason);
  };

  private phase(): string {
    if (this.reader) return 'reading the answer';
    return this.controller ? 'waiting for the answer' : 'connecting';
  }

  private succeed(reader: ResponseReader): void {
    const durationMs = this.durationMs();
    if (this.finish()) this.resolve({ kind: 'response', durationMs, ...reader.response() });
  }

  private fail(failure: HttpFailure): void {
    const durationMs = this.durationMs();
    if (this.finish()) {
      this.resolve({ kind: 'error', durationMs, ...failure, ...this.reader?.response() });
    }
  }

  /** @returns false when the exchange was over already: undici reports an abort as an error too */
  private finish(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.abort();
    return true;
  }

  /** Closes the connection; does nothing after a complete response. */
  private abort(): void {
    this.controller?.abort(new Error('the exchange is over'));
  }

  private durationMs(): number {
    return Math.round(performance.now() - this.startedAt);
  }
}
