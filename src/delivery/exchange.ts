import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Agents, type Connection, keepAliveMs } from './agents';
import { AnswerTooLongError } from './answer-heads';
import { ANSWER_FAILURES, type HttpFailure, httpFailure } from './http-failure';
import { ProxyError } from './proxy-tunnel';
import { type RawResponse, ResponseReader } from './response-reader';

export interface Sent {
  durationMs: number;
  /** Set if the request was sent a second time, because the receiver had closed an idle connection. */
  resent?: true;
}

interface Exchanged<R> extends Sent {
  /** What arrived of a response. */
  response: R;
}

export type ExchangeResult =
  | ({ kind: 'response' } & Exchanged<RawResponse>)
  | ({ kind: 'error' } & HttpFailure & Exchanged<RawResponse | undefined>);

export interface ExchangeOptions {
  /** Sent byte by byte; a string as UTF-8. */
  body: Buffer | string;
  /** Milliseconds for the whole exchange, from connecting to the last byte of the answer. */
  timeoutMs: number;
  isTls: boolean;
  /** When the attempt began, by the monotonic clock, from which its duration is measured; by default now. */
  beganAt?: number;
  /** Asked right before it is written, which may be long after its beginning: connecting takes a while. */
  mayStillSend?: () => boolean;
}

/** Begins the request, on an unused connection if `fresh`. */
type Open = (fresh: boolean) => ClientRequest;

/** A request in progress. */
interface Sending {
  request: ClientRequest;
  /** Once there is one. */
  connection?: Connection;
  isConnected: boolean;
  isSent: boolean;
}

/** More of them don't count as an answer. */
const MAX_INTERIM_ANSWERS = 100;

/**
 * One request and its answer, with one timeout for everything, including the wait for a connection. The
 * receiver may just have closed a reused connection: if it ends before a byte of the answer has arrived, the
 * request is sent once more, on a fresh one.
 */
export class Exchange {
  readonly result: Promise<ExchangeResult>;
  private readonly beganAt: number;
  private readonly timer: NodeJS.Timeout;
  private sending: Sending | undefined;
  private reader: ResponseReader | undefined;
  private isResent = false;
  private isAwaitingProxy = false;
  private hasEnded = false;
  private ending: AbortController | undefined;
  private resolve!: (result: ExchangeResult) => void;
  private reject!: (reason: unknown) => void;

  constructor(
    private readonly agents: Agents,
    private readonly options: ExchangeOptions,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.beganAt = options.beganAt ?? performance.now();
    this.timer = setTimeout(this.onTimeout, options.timeoutMs);
  }

  /** Aborted as soon as it has ended. Made when it is asked for, since few need it. */
  readonly over = (): AbortSignal => {
    this.ending ??= new AbortController();
    if (this.hasEnded) this.ending.abort();
    return this.ending.signal;
  };

  /** What times out meanwhile is not the receiver's fault: nothing is known about the receiver. */
  readonly awaitsProxy = (awaits: boolean): void => {
    this.isAwaitingProxy = awaits;
  };

  send(open: Open, fresh = false): void {
    let request: ClientRequest;
    try {
      request = open(fresh);
    } catch (error) {
      // For example a header that can't be sent.
      this.fail(httpFailure(error as Error, { inTlsConnect: false }));
      return;
    }
    const sending: Sending = { request, isConnected: false, isSent: false };
    this.sending = sending;
    const whileCurrent =
      <A extends unknown[]>(handle: (...args: A) => void) =>
      (...args: A): void => {
        if (this.sending === sending && !this.hasEnded) handle(...args);
      };
    let interimAnswers = 0;
    // Not Node's 2,000, beyond which it silently drops headers: their bytes are limited already.
    request.maxHeadersCount = 0;
    request.on('socket', (socket: Socket) => this.onSocket(sending, socket));
    request.on(
      'information',
      whileCurrent(() => {
        interimAnswers += 1;
        if (interimAnswers > MAX_INTERIM_ANSWERS) this.fail(ANSWER_FAILURES.onlyInterim);
      }),
    );
    const onError = whileCurrent((error: Error) => this.onError(sending, error, open));
    request.on('error', onError);
    request.on(
      'response',
      whileCurrent((response) => {
        response.on('error', onError);
        // What arrives before the request has been sent is not an answer to it.
        if (sending.isSent) this.onResponse(sending, response);
        else this.sendAgain(open);
      }),
    );
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      if (!this.hasEnded) this.fail(ANSWER_FAILURES.otherProtocol);
    });
  }

  private onSocket(sending: Sending, socket: Socket): void {
    const connection = this.agents.connection(socket);
    sending.connection = connection;
    connection.heads.begin();
    connection.keepAliveMs = 0;
    const send = (): void => {
      if (sending.request.destroyed) return;
      if (!this.maySend()) return;
      sending.isSent = true;
      sending.request.end(this.options.body);
    };
    if (connection.heads.answers > 1) {
      sending.isConnected = true;
      // One turn of the event loop shows whether it has been closed, or an unrequested answer has arrived.
      setImmediate(() => setImmediate(send));
      return;
    }
    // Not before: a failure of the TLS handshake should be reported as such, not as that of a write.
    const sendConnected = (): void => {
      sending.isConnected = true;
      send();
    };
    if (this.options.isTls) socket.once('secureConnect', sendConnected);
    else if (socket.connecting) socket.once('connect', sendConnected);
    else sendConnected();
  }

  private maySend(): boolean {
    const { mayStillSend = () => true } = this.options;
    if (mayStillSend()) return true;
    if (this.finish()) this.reject(new Error('nothing was sent: this process may no longer do so'));
    return false;
  }

  private onResponse(sending: Sending, response: IncomingMessage): void {
    const reader = new ResponseReader(response);
    if (reader.statusCode < 200) {
      const { otherProtocol, noStatus } = ANSWER_FAILURES;
      this.fail(reader.statusCode === 101 ? otherProtocol : noStatus);
      return;
    }
    this.reader = reader;
    if (reader.endsUnseen()) {
      this.succeed(reader);
      return;
    }
    response.on('data', (chunk: Buffer) => {
      if (!reader.read(chunk)) this.succeed(reader);
    });
    response.on('end', () => {
      if (reader.hasOneLength() && sending.request.writableFinished) {
        sending.connection!.keepAliveMs = keepAliveMs(reader.header('keep-alive'));
      }
      this.succeed(reader);
    });
  }

  private onError(sending: Sending, error: Error, open: Open): void {
    const inTlsConnect = this.options.isTls && !sending.isConnected;
    const failure = httpFailure(error, { inTlsConnect });
    this.reader?.readRest();
    const isLong = error instanceof AnswerTooLongError;
    // What follows an answer is not part of it, and a long one counts as if it had come whole.
    if (this.reader && (isLong || this.reader.isComplete())) this.succeed(this.reader);
    else if (wasClosedBefore(sending, failure)) this.sendAgain(open);
    else this.fail(failure);
  }

  private sendAgain(open: Open): void {
    // On a reused connection whose end came first, nothing has been written yet.
    this.isResent ||= this.sending?.isSent ?? false;
    this.sending?.request.destroy();
    this.send(open, true);
  }

  private readonly onTimeout = (): void => {
    if (this.isAwaitingProxy) {
      this.fail(httpFailure(new ProxyError('ETIMEDOUT'), { inTlsConnect: false }));
      return;
    }
    this.fail({
      errorCode: 'timeout',
      errorMessage: `timed out after ${this.options.timeoutMs} ms while ${this.phase()}`,
    });
  };

  private phase(): string {
    if (this.reader) return 'reading the answer';
    return this.sending?.isConnected ? 'waiting for the answer' : 'connecting';
  }

  private succeed(reader: ResponseReader): void {
    const exchanged = this.exchanged();
    const response = reader.response();
    if (this.finish()) this.resolve({ kind: 'response', ...exchanged, response });
  }

  private fail(failure: HttpFailure): void {
    const exchanged = this.exchanged();
    const response = this.reader?.response();
    if (this.finish()) this.resolve({ kind: 'error', ...failure, ...exchanged, response });
  }

  private exchanged(): Sent {
    const durationMs = Math.round(performance.now() - this.beganAt);
    return { durationMs, ...(this.isResent && { resent: true }) };
  }

  /** @returns false if the exchange was over already */
  private finish(): boolean {
    if (this.hasEnded) return false;
    this.hasEnded = true;
    this.ending?.abort();
    clearTimeout(this.timer);
    // Requests that still wait for a connection get here too, and have none.
    if (!this.sending?.connection?.keepAliveMs) this.sending?.request.destroy();
    return true;
  }
}

/** Whether a reused connection failed before this request was sent, or before any answer to it. */
function wasClosedBefore({ connection, isSent }: Sending, { errorCode }: HttpFailure): boolean {
  if (connection === undefined || connection.heads.answers === 1) return false;
  return !isSent || (errorCode === 'connection_reset' && !connection.heads.heard);
}
