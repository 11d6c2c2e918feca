import type { Request, RequestHandler } from 'express';
import type { Identify } from './auth';
import type { Authentication, Caller } from './authentication';
import type { BrowserSessions } from './browser-sessions';
import { ApiError, refusal } from './errors';
import type { OwnAddress } from './own-address';
import type { PortalTokens } from './portal-tokens';

/** The key of `Authorization: Bearer KEY`. */
function keyInHeader(req: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
}

/** The key of `?token=`: for callers that can't set headers. */
function keyInQuery({ query: { token } }: Request): string | undefined {
  return typeof token === 'string' && token !== '' ? token : undefined;
}

export interface Means {
  /**
   * Accepts a project's key in `?token=` too, except from pages of other origins than this; never the admin's, since
   * URLs end up in others' logs and settings.
   */
  tokenInQuery?: OwnAddress;
  /** Accepts the cookie of a session where there is no `Authorization`. */
  sessions?: BrowserSessions;
  /** Accepts the token of a portal link as a key. */
  portal?: PortalTokens;
}

/** Identifies the caller by the key and `x-project-id`, or by the other means that a route accepts. */
export function authenticate(
  authentication: Authentication,
  { tokenInQuery, sessions, portal }: Means = {},
): RequestHandler {
  const callerOf = async (req: Request): Promise<Caller> => {
    const inHeader = keyInHeader(req);
    const key = inHeader ?? (tokenInQuery && keyInQuery(req));
    if (key === undefined) {
      const ofSession = req.get('authorization') === undefined && (await sessions?.callerOf(req));
      if (ofSession) return ofSession;
      throw new ApiError('unauthorized', 'send your key as "Authorization: Bearer KEY"');
    }
    // A page would otherwise count wrong keys for the address of whoever opens it.
    if (inHeader === undefined) tokenInQuery?.refuseForeignOrigin(req);
    const caller = await authentication.callerWith(req, key);
    if (caller === 'admin' && inHeader === undefined) {
      throw new ApiError(
        'unauthorized',
        'the admin key is not accepted in a URL: send it as "Authorization: Bearer KEY", or use a key of the project. Change the admin key if this URL may have been logged',
      );
    }
    return caller;
  };
  /** The same for a request that goes on: it counts neither as a wrong key nor as a use of its session. */
  const stillCallerOf = async (req: Request, keyId: string): Promise<Caller> => {
    const isOfSession = keyInHeader(req) === undefined && !tokenInQuery;
    const caller = isOfSession
      ? (await sessions?.find(req, { isUse: false }))?.caller
      : await authentication.callerOf(keyId);
    if (!caller) throw refusal('unauthorized');
    return caller;
  };
  return async (req, res, next) => {
    const byLink = () => portal?.principalOf(req, keyInHeader(req));
    const principal =
      (await byLink()) ?? (await authentication.principal(req, await callerOf(req)));
    const identify: Identify = async () =>
      (await byLink()) ?? authentication.principal(req, await stillCallerOf(req, principal.keyId));
    res.locals.identify = identify;
    res.locals.principal = principal;
    next();
  };
}
