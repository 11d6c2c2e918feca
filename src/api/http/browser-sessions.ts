import { createHmac, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { isSame } from '../../providers/signature';
import { SESSION_LIFE_MS, type SessionRecord } from '../../store/sessions';
import type { Store } from '../../store/store';
import type { Authentication, Caller } from './authentication';
import { derivedKey } from './derived-key';
import { ApiError } from './errors';
import type { FailedLookups } from './failed-lookups';
import type { OwnAddress } from './own-address';

/** Carries what the page of a session was told, and a page of another origin can't know. */
const CSRF_HEADER = 'x-csrf-token';

/**
 * The name of the cookie at that address. All ports and paths of a host share their cookies: this tells the cookies
 * of several Posthorns apart. With the prefix, which only https allows, no other host can have set it.
 */
export function cookieName(address: string): string {
  // What a request names as its host may be anything.
  if (!URL.canParse(address)) return NAME;
  const { protocol, port, pathname } = new URL(address);
  const place = `${port}${pathname.replace(/\/$/, '').replaceAll('/', '+')}`;
  return [protocol === 'https:' ? `__Host-${NAME}` : NAME, place].filter(Boolean).join('_');
}
const NAME = 'posthorn_session';

export interface BrowserSession {
  record: SessionRecord;
  csrfToken: string;
}

/**
 * Sessions of browsers, each with the rights of the key that it was signed in with, while that key has them. Tokens
 * are random, and stored as hashes keyed by the admin key: a change of it ends all sessions and sign-in links.
 */
export class BrowserSessions {
  private readonly keys: Record<'session' | 'csrf' | 'link', Buffer>;

  /** @param lookups counts cookies of sessions that don't exist */
  constructor(
    private readonly store: Store,
    private readonly authentication: Authentication,
    private readonly address: OwnAddress,
    private readonly lookups: FailedLookups,
    rootKey: Buffer,
  ) {
    this.keys = {
      session: derivedKey(rootKey, 'sessions'),
      csrf: derivedKey(rootKey, 'csrf tokens'),
      link: derivedKey(rootKey, 'sign-in links'),
    };
  }

  /**
   * The session of the request's cookie; null: there is none, or it has ended.
   * @param isUse whether this is a use, which extends the session
   * @throws ApiError 429 after too many cookies of unknown sessions from that address
   */
  async find(
    req: Request,
    { isUse = true } = {},
  ): Promise<(BrowserSession & { caller: Caller }) | null> {
    const token = this.tokenOf(req);
    if (token === undefined) return null;
    if (isUse) await this.lookups.check(req, token);
    const record = await this.store.sessions.find(this.hash('session', token));
    const caller = record && (await this.authentication.callerOf(record.keyId));
    if (!record || !caller) {
      if (isUse) await this.lookups.count(req, token);
      return null;
    }
    if (isUse) this.store.sessions.touch(record);
    return { record, caller, csrfToken: this.hash('csrf', token) };
  }

  /**
   * Whose session a request to the API has; null: it has no cookie.
   * @throws ApiError 401 if it has ended; 403 if the request comes from another origin, or changes something
   *   without the CSRF token
   */
  async callerOf(req: Request): Promise<Caller | null> {
    if (this.tokenOf(req) === undefined) return null;
    const session = await this.find(req);
    if (!session) throw new ApiError('unauthorized', 'this session has ended; sign in again');
    this.address.refuseForeignOrigin(req);
    if (req.method !== 'GET' && req.method !== 'HEAD') checkCsrf(req, session);
    return session.caller;
  }

  /**
   * Begins a new one, and ends the browser's former one: no token that it already had is ever accepted.
   * @param link the sign-in link by which it begins
   * @returns null if the link was used before
   */
  async begin(
    req: Request,
    res: Response,
    keyId: string,
    link: string | undefined,
  ): Promise<BrowserSession | null> {
    const { sessions, signInLinks } = this.store;
    const token = newToken();
    const hash = this.hash('session', token);
    const record = await sessions.create(hash, keyId);
    await this.endFormer(req);
    // Last, since this uses it up: if anything fails before, the link still signs in.
    if (link !== undefined && !(await signInLinks.use(this.hash('link', link)))) {
      await sessions.end(hash);
      return null;
    }
    this.setCookie(req, res, token, SESSION_LIFE_MS);
    return { record, csrfToken: this.hash('csrf', token) };
  }

  /** Ends the request's own. */
  async end(req: Request, res: Response): Promise<void> {
    await this.endFormer(req);
    this.setCookie(req, res, '', 0);
  }

  async createLink(): Promise<{ token: string; expiresAt: Date }> {
    const token = newToken();
    const { expiresAt } = await this.store.signInLinks.create(this.hash('link', token));
    return { token, expiresAt };
  }

  /** Whether a link signs in, as it does once. */
  async isLive(link: string): Promise<boolean> {
    return this.store.signInLinks.isLive(this.hash('link', link));
  }

  private async endFormer(req: Request): Promise<void> {
    const token = this.tokenOf(req);
    if (token !== undefined) await this.store.sessions.end(this.hash('session', token));
  }

  private hash(purpose: keyof BrowserSessions['keys'], token: string): string {
    return createHmac('sha256', this.keys[purpose]).update(token).digest('hex');
  }

  /** The token in the request's cookie. */
  private tokenOf(req: Request): string | undefined {
    const name = `${cookieName(this.address.of(req))}=`;
    const cookie = (req.headers.cookie ?? '').split(/; */).find((one) => one.startsWith(name));
    return cookie?.slice(name.length) || undefined;
  }

  private setCookie(req: Request, res: Response, token: string, maxAge: number): void {
    const address = this.address.of(req);
    const secure = address.startsWith('https:');
    const options = { httpOnly: true, sameSite: 'strict', path: '/', secure, maxAge } as const;
    res.cookie(cookieName(address), token, options);
  }
}

const newToken = (): string => randomBytes(32).toString('base64url');

/** @throws ApiError 403 */
export function checkCsrf(req: Request, { csrfToken }: BrowserSession): void {
  if (isSame(req.get(CSRF_HEADER) ?? '', csrfToken)) return;
  throw new ApiError(
    'forbidden',
    `with a session this needs its csrfToken in the header ${CSRF_HEADER}; GET /dashboard/session has it`,
  );
}
