import type { Socket } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { heldBytes } from '../../metrics';
import { PAGE_BYTES } from '../../store/paging';
import { principalOf, type Principal } from './auth';
import { onceGone, onceOver } from './connections';
import { rateLimited } from './errors';
import { Turns } from './turns';

/** What one key may have at a time. */
export interface UnderWayLimits {
  requests: number;
  /** Of the bodies of its requests, and of answers that are not sent yet. */
  bytes: number;
}

/** A project's keys may have that many times as much together, */
const PROJECT_FACTOR = 2;
/** and all there are that many times as many bytes, as the last resort; */
const PROCESS_FACTOR = 8;
/** but who has less is not refused for what others have. */
const SPARED_BYTES = PAGE_BYTES;
const RETRY_MS = 1000;
/**
 * Reads of a project that are worked at at a time: each may have a connection to MongoDB for seconds, and
 * all projects share a hundred of them.
 */
const READS_AT_A_TIME = 10;
const MIB = 1024 * 1024;

/** What a key has under way, or a project's keys, or all. */
class Share {
  requests = 0;
  bytes = 0;
  /** Those that it has used, while they are open. */
  readonly sockets = new Set<Socket>();

  constructor(
    /** For refusals. */
    readonly name: string,
    readonly limits: UnderWayLimits,
    /** When it has nothing any more. */
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

/** One request, until it is answered, and the answer is sent or can't be any more. */
class Held {
  private bytes = 0;
  private isAnswered = false;
  private isOver = false;
  private isEnded = false;
  private endTurn = (): void => {};

  constructor(
    private readonly res: Response,
    private readonly own: readonly Share[],
    private readonly all: Share,
  ) {}

  begin(): void {
    for (const share of this.own) share.requests += 1;
    onceOver(this.res, () => {
      this.isOver = true;
      // Of a compressed body that is cut off, Express never hears the end.
      this.isAnswered ||= !this.res.req.complete;
      this.endIfDone();
    });
  }

  /** @throws ApiError 429 when so many bytes would be too many beside those of other requests */
  check(bytes: number): void {
    for (const share of [...this.own, this.all]) {
      const { name, limits } = share;
      const others = share.bytes - this.bytes;
      if (others === 0 || others + bytes <= limits.bytes) continue;
      if (share === this.all && this.own.every((one) => one.bytes < SPARED_BYTES)) continue;
      throw rateLimited(
        RETRY_MS,
        `requests and unread answers of ${name} fill the ${limits.bytes / MIB} MiB that they may have; read the answers, and ask for less at a time`,
      );
    }
  }

  take(bytes: number): void {
    if (this.isEnded) return;
    this.bytes += bytes;
    heldBytes.inc(bytes);
    for (const share of [...this.own, this.all]) share.bytes += bytes;
  }

  /** Waits for the request's turn, which its answer ends; false when nobody waits for that any more. */
  async begins(turn: Promise<() => void>): Promise<boolean> {
    this.endTurn = await turn;
    if (!this.isOver) return true;
    this.answered(0);
    return false;
  }

  /** What was asked for by somebody who has gone is still worked at, until then. */
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

/** The request's own; undefined where no key was needed. */
const heldBy = (res: Response): Held | undefined => res.locals.held as Held | undefined;

/**
 * What one tenant can have the API keep in memory: for each key and each project, how many requests are
 * under way, and how many bytes of bodies and of answers that their clients have not taken. What would be
 * too much is refused before anything is done for it.
 */
export class UnderWay {
  private readonly shares = new Map<string, Share>();
  private readonly all: Share;
  private readonly reads = new Turns(READS_AT_A_TIME);

  constructor(private readonly limits: UnderWayLimits) {
    this.all = new Share('all keys', { requests: Infinity, bytes: limits.bytes * PROCESS_FACTOR });
  }

  /** Behind `authenticate`. */
  readonly admit: RequestHandler = (req, res, next) => {
    const own = this.sharesOf(principalOf(res));
    for (const share of own) {
      share.uses(req.socket);
      // As many connections stay open between requests as may have one.
      if (share.sockets.size > share.limits.requests) res.set('Connection', 'close');
    }
    for (const { name, requests, limits } of own) {
      if (requests < limits.requests) continue;
      throw rateLimited(
        RETRY_MS,
        `${limits.requests} requests of ${name} are under way, which is as many as may be; wait for their answers`,
      );
    }
    const held = new Held(res, own, this.all);
    held.check(PAGE_BYTES);
    held.begin();
    res.locals.held = held;
    next();
  };

  /** Behind `admit`, and what refuses. */
  readonly readInTurn: RequestHandler = async (req, res, next) => {
    const { keyId, role, project } = principalOf(res);
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    const turn = isRead && this.reads.take(role === 'admin' ? keyId : project!._id);
    if (!turn || (await heldBy(res)!.begins(turn))) next();
  };

  private sharesOf({ keyId, role, project }: Principal): Share[] {
    const { requests, bytes } = this.limits;
    const ofKey = this.share(keyId, 'this key', this.limits);
    // What the admin does for a project is not the project's.
    if (role === 'admin' || !project) return [ofKey];
    const limits = { requests: requests * PROJECT_FACTOR, bytes: bytes * PROJECT_FACTOR };
    return [ofKey, this.share(project._id, "this project's keys", limits)];
  }

  private share(id: string, name: string, limits: UnderWayLimits): Share {
    const share = this.shares.get(id) ?? new Share(name, limits, () => this.shares.delete(id));
    this.shares.set(id, share);
    return share;
  }
}

/** Makes room for a body of at most `limit` bytes, before it is read. */
export function holdBody(limit: number): RequestHandler {
  return (req, res, next) => {
    // One that was read has been counted.
    if (req.body === undefined) {
      const bytes = bodyBytes(req, limit);
      heldBy(res)!.check(bytes);
      heldBy(res)!.take(bytes);
    }
    next();
  };
}

/** Compressed, or of a length that is not told, it may become as large as it ever may. */
function bodyBytes({ headers }: Request, limit: number): number {
  const isOpen =
    headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined;
  return isOpen ? limit : Math.min(Number(headers['content-length'] ?? 0), limit);
}

/**
 * Counts an answer until it is sent.
 * @throws ApiError 429 in place of what was read, where that would be too much
 */
export function holdAnswer({ method }: Request, res: Response, bytes: number): void {
  const held = heldBy(res);
  if (method === 'GET' && res.statusCode < 400) held?.check(bytes);
  held?.answered(method === 'HEAD' ? 0 : bytes);
}
