import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { SESSION_LIFE_MS, type SessionRecord } from '../../store/sessions';
import type { Store } from '../../store/store';
import type { Authentication, Caller } from './authentication';
import { ApiError } from './errors';
import { refuseForeignOrigin } from './own-origin';

/** Carries what the page of a session was told, and a page of another origin can't know. */
export const CSRF_HEADER = 'x-csrf-token';

/** With the prefix, which only https allows, no other host can have set the cookie. */
export const cookieName = (isSecure: boolean): string =>
  isSecure ? '__Host-posthorn_session' : 'posthorn_session';

export interface BrowserSession {
  record: SessionRecord;
  csrfToken: string;
}

/**
 * Sessions of browsers, each with the rights of the key that it was signed in with, as long as that key has
 * them. Tokens are random, and stored as hashes keyed with the admin key: a change of it ends all sessions and
 * sign-in links.
 */
export class BrowserSessions {
  constructor(
    private readonly store: Store,
    private readonly authentication: Authentication,
    private readonly adminKey: string,
  ) {}

  /**
   * The session of the request's cookie; null: there is none, or it has ended.
   * @param isUse whether it is used by that, and lasts longer
   */
  async find(
    req: Request,
    { isUse = true } = {},
  ): Promise<(BrowserSession & { caller: Caller }) | null> {
    const token = tokenOf(req);
    const record = token === undefined ? null : await this.store.sessions.find(this.hash(token));
    const caller = record && (await this.authentication.callerOf(record.keyId));
    if (token === undefined || !record || !caller) return null;
    if (isUse) this.store.sessions.touch(record);
    return { record, caller, csrfToken: this.hash(token, 'csrf') };
  }

  /**
   * Whose session a request to the API has; null: it has no cookie.
   * @throws ApiError 401 if it has ended; 403 if the request comes from another origin, or changes something
   *   without the CSRF token
   */
  async callerOf(req: Request): Promise<Caller | null> {
    if (tokenOf(req) === undefined) return null;
    const session = await this.find(req);
    if (!session) throw new ApiError('unauthorized', 'this session has ended; sign in again');
    refuseForeignOrigin(req);
    if (req.method !== 'GET' && req.method !== 'HEAD') checkCsrf(req, session);
    return session.caller;
  }

  /** Begins a new one, and ends the browser's former one: no token that it already had is ever accepted. */
  async begin(req: Request, res: Response, keyId: string): Promise<BrowserSession> {
    await this.end(req, res);
    const token = newToken();
    const record = await this.store.sessions.create(this.hash(token), keyId);
    setCookie(req, res, token, SESSION_LIFE_MS);
    return { record, csrfToken: this.hash(token, 'csrf') };
  }

  /** Ends the request's own, if it has one. */
  async end(req: Request, res: Response): Promise<void> {
    const token = tokenOf(req);
    if (token === undefined) return;
    await this.store.sessions.end(this.hash(token));
    setCookie(req, res, '', 0);
  }

  async createLink(): Promise<{ token: string; expiresAt: Date }> {
    const token = newToken();
    const { expiresAt } = await this.store.signInLinks.create(this.hash(token, 'link'));
    return { token, expiresAt };
  }

  /** Whether a link signs in: only its first use does. */
  async useLink(token: string): Promise<boolean> {
    return this.store.signInLinks.use(this.hash(token, 'link'));
  }

  private hash(token: string, purpose: 'session' | 'csrf' | 'link' = 'session'): string {
    return createHmac('sha256', this.adminKey).update(`${purpose} ${token}`).digest('hex');
  }
}

const newToken = (): string => randomBytes(32).toString('base64url');

/** The token in the request's cookie. */
function tokenOf(req: Request): string | undefined {
  const name = `${cookieName(req.secure)}=`;
  const cookie = (req.headers.cookie ?? '').split(/; */).find((one) => one.startsWith(name));
  return cookie?.slice(name.length) || undefined;
}

/** @throws ApiError 403 */
export function checkCsrf(req: Request, { csrfToken }: BrowserSession): void {
  const given = Buffer.from(req.get(CSRF_HEADER) ?? '');
  const expected = Buffer.from(csrfToken);
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new ApiError(
    'forbidden',
    `with a session this needs its csrfToken in the header ${CSRF_HEADER}; GET /dashboard/session has it`,
  );
}

function setCookie(req: Request, res: Response, token: string, maxAge: number): void {
  const { secure } = req;
  const options = { httpOnly: true, sameSite: 'strict', path: '/', secure, maxAge } as const;
  // Instead of one that was set before: an answer has one cookie.
  res.removeHeader('Set-Cookie');
  res.cookie(cookieName(secure), token, options);
}
