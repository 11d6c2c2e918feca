import type { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { heldBytes } from '../../metrics';
import { PAGE_BYTES } from '../../store/paging';
import { placeOf, principalOf, shareOf, type Principal } from './auth';
import { onceGone, onceOver } from './connections';
import { rateLimited } from './errors';
import { Turns } from './turns';

/** What one key may have in progress. */
export interface UnderWayLimits {
  requests: number;
  /** Bytes of its requests' bodies, and of unsent answers. */
  bytes: number;
}

/** A project's keys together may have this many times as much, */
const PROJECT_FACTOR = 2;
/** and all keys together this many times as many bytes, as a last resort; */
const PROCESS_FACTOR = 8;
/** but a caller below this is not refused because of others. */
const SPARED_BYTES = PAGE_BYTES;
const RETRY_MS = 1000;
/**
 * Concurrent reads of a project: each may hold a connection to MongoDB for seconds, and all projects share a
 * hundred of them.
 */
const READS_AT_A_TIME = 10;
/** Of lists with their events' data: writing a page of the largest size occupies the event loop for some 12 ms. */
const DATA_LISTS_AT_A_TIME = 2;
/** Of counts of deliveries, each of which may occupy MongoDB for 20 s. */
const COUNTS_AT_A_TIME = 2;
const MIB = 1024 * 1024;

/** What is in progress for a key, a project's keys, or all. */
class Share {
  requests = 0;
  bytes = 0;
  /** The connections that it has used, while they are open. */
  readonly sockets = new Set<Socket>();

  constructor(
    /** For error messages. */
    readonly name: string,
    readonly limits: UnderWayLimits,
    /** Called when nothing is left. */
    private readonly forget: () => void = () => {},
  ) {}

  uses(socket: Socket): void {
    if (this.sockets.has(socket) || socket.destroyed) return;
    this.sockets.add(socket);
    onceGone(socket, () => {
      this.sockets.delete(socket);
      this.forgetIfIdle();
    });
  }

  end(): void {
    this.requests -= 1;
    this.forgetIfIdle();
  }

  private forgetIfIdle(): void {
    if (this.requests === 0 && this.sockets.size === 0) this.forget();
  }
}

/** One request, until its answer is sent or no longer can be. */
class Held {
  private bytes = 0;
  private isAnswered = false;
  isOver = false;
  private isEnded = false;
  private endTurn = (): void => {};

  constructor(
    private readonly res: Response,
    private readonly own: readonly Share[],
    private readonly all: Share,
    /** Waits for a turn among the counts of its project; returns what ends it. */
    readonly takeTurn: () => Promise<() => void>,
  ) {}

  begin(): void {
    for (const share of this.own) share.requests += 1;
    onceOver(this.res, () => {
      this.isOver = true;
      // Express never learns of the end of a compressed body that is cut off.
      this.isAnswered ||= !this.res.req.complete;
      this.endIfDone();
    });
  }

  /** @throws ApiError 429 if these bytes would be too many together with those of other requests */
  check(bytes: number): void {
    for (const share of [...this.own, this.all]) {
      const { name, limits } = share;
      const others = share.bytes - this.bytes;
      if (others === 0 || others + bytes <= limits.bytes) continue;
      if (share === this.all && this.own.every((one) => one.bytes < SPARED_BYTES)) continue;
      throw rateLimited(
        RETRY_MS,
        `requests and unread answers of ${name} fill the allowed ${limits.bytes / MIB} MiB; read the answers, and request less at a time`,
      );
    }
  }

  take(bytes: number): void {
    if (this.isEnded) return;
    this.bytes += bytes;
    heldBytes.inc(bytes);
    for (const share of [...this.own, this.all]) share.bytes += bytes;
  }

  /** Waits for the request's turn, which ends with its answer; false if the client has gone. */
  async begins(turn: Promise<() => void>): Promise<boolean> {
    this.endTurn = await turn;
    if (!this.isOver) return true;
    this.answered(0);
    return false;
  }

  /** Work for a client that has gone still counts until it ends. */
  answered(bytes: number): void {
    this.isAnswered = true;
    this.endTurn();
    this.endTurn = () => {};
    this.take(bytes);
    this.endIfDone();
  }

  private endIfDone(): void {
    if (!this.isAnswered || !this.isOver || this.isEnded) return;
    this.take(-this.bytes);
    this.isEnded = true;
    for (const share of this.own) share.end();
  }
}

/** Whose turns a request's reads take. */
const readerOf = (principal: Principal): string =>
  principal.role === 'admin' ? principal.keyId : shareOf(principal);

/** The request's own; undefined if no key was needed. */
const heldBy = (res: Response): Held | undefined => res.locals.held as Held | undefined;

/**
 * Limits what one tenant can make the API keep in memory: for each key and each project, the requests in
 * progress, and the bytes of bodies and unread answers. What would be too much is refused before any work is
 * done.
 */
export class UnderWay {
  private readonly shares = new Map<string, Share>();
  private readonly all: Share;
  private readonly reads = new Turns(READS_AT_A_TIME);
  private readonly dataLists = new Turns(DATA_LISTS_AT_A_TIME);
  private readonly counts = new Turns(COUNTS_AT_A_TIME);

  constructor(private readonly limits: UnderWayLimits) {
    this.all = new Share('all keys', { requests: Infinity, bytes: limits.bytes * PROCESS_FACTOR });
  }

  /** After `authenticate`. */
  readonly admit: RequestHandler = (req, res, next) => {
    const principal = principalOf(res);
    const own = this.sharesOf(principal);
    for (const share of own) {
      share.uses(req.socket);
      // Between requests, only as many connections stay open as there may be requests.
      if (share.sockets.size > share.limits.requests) res.set('Connection', 'close');
    }
    for (const { name, requests, limits } of own) {
      if (requests < limits.requests) continue;
      throw rateLimited(
        RETRY_MS,
        `${limits.requests} requests of ${name} are in progress, the maximum; wait for their answers`,
      );
    }
    const held = new Held(res, own, this.all, () => this.counts.take(placeOf(principal)));
    held.check(PAGE_BYTES);
    held.begin();
    res.locals.held = held;
    next();
  };

  /** After `admit`, the checks that refuse and the reading of the body. */
  readonly readInTurn: RequestHandler = async ({ method, query }, res, next) => {
    const isRead = method === 'GET' || method === 'HEAD';
    const turns = query.include === 'data' ? this.dataLists : this.reads;
    const turn = isRead && turns.take(readerOf(principalOf(res)));
    if (!turn || (await heldBy(res)!.begins(turn))) next();
  };

  private sharesOf(principal: Principal): Share[] {
    const { keyId, role, project } = principal;
    const { requests, bytes } = this.limits;
    const ofKey = this.share(keyId, 'this key', this.limits);
    // The admin's requests for a project don't count towards it.
    if (role === 'admin' || !project) return [ofKey];
    const limits = { requests: requests * PROJECT_FACTOR, bytes: bytes * PROJECT_FACTOR };
    return [ofKey, this.share(shareOf(principal), "this project's keys", limits)];
  }

  private share(id: string, name: string, limits: UnderWayLimits): Share {
    const share = this.shares.get(id) ?? new Share(name, limits, () => this.shares.delete(id));
    this.shares.set(id, share);
    return share;
  }
}

/**
 * A count that may take MongoDB seconds, of a request that has no turn since it changes something: it waits for one.
 * @returns null, without a count, if the client has gone meanwhile
 */
export async function inCountTurn<T>(res: Response, count: () => Promise<T>): Promise<T | null> {
  const held = heldBy(res)!;
  const endTurn = await held.takeTurn();
  try {
    return held.isOver ? null : await count();
  } finally {
    endTurn();
  }
}

/** Makes room for a body of at most `limit` bytes, before it is read. */
export function holdBody(limit: number): RequestHandler {
  return (req, res, next) => {
    // A body that was read has been counted.
    if (req.body === undefined) {
      const bytes = bodyBytes(req, limit);
      heldBy(res)!.check(bytes);
      heldBy(res)!.take(bytes);
    }
    next();
  };
}

/** Compressed, or without a stated length, it may reach the maximum. */
function bodyBytes({ headers }: Request, limit: number): number {
  const isOpen =
    headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined;
  return isOpen ? limit : Math.min(Number(headers['content-length'] ?? 0), limit);
}

/**
 * Counts an answer until it is sent.
 * @throws ApiError 429 instead of sending it, if that would be too much
 */
export function holdAnswer({ method }: Request, res: Response, bytes: number): void {
  const held = heldBy(res);
  if (method === 'GET' && res.statusCode < 400) held?.check(bytes);
  held?.answered(method === 'HEAD' ? 0 : bytes);
}
