import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { answer } from '../http/answers';
import { audited } from '../http/audited';
import { principalOf } from '../http/auth';
import type { Authentication, Caller } from '../http/authentication';
import { readBody } from '../http/body';
import { checkCsrf, type BrowserSession, type BrowserSessions } from '../http/browser-sessions';
import { jsonOnly } from '../http/encoding';
import { ApiError, invalid } from '../http/errors';
import type { OwnAddress } from '../http/own-address';
import { eachRequiring, parseBody } from '../http/validation';
import type { endedSessionSchema, sessionSchema } from '../schemas/session';

const BODY_LIMIT = 4 * 1024;
const secret = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
  .max(1000);

export const signInBody = z
  .strictObject({ key: secret.optional(), link: secret.optional() })
  .meta({ override: { oneOf: eachRequiring(['key', 'link']) } });

type SignIn = z.infer<typeof signInBody>;
type Link = SignIn['link'];

/**
 * `/dashboard/session`: signing in and out.
 * @param limited counts requests by key
 */
export function sessionsRouter(
  authentication: Authentication,
  sessions: BrowserSessions,
  address: OwnAddress,
  limited: RequestHandler[],
): Router {
  const router = Router();
  router.use((req, _res, next) => {
    address.refuseForeignOrigin(req);
    next();
  });

  /** A wrong link counts like a wrong key. */
  const callerWith = async (req: Request, { key, link }: SignIn): Promise<Caller> => {
    if (key !== undefined) return authentication.callerWith(req, key);
    await authentication.failures.check(req, link!);
    if (await sessions.isLive(link!)) return 'admin';
    await authentication.failures.count(req, link!);
    throw linkUsed();
  };
  const signIn: RequestHandler = async (req, res, next) => {
    const given = parseBody(signInBody, req);
    if ((given.key === undefined) === (given.link === undefined)) {
      throw invalid([{ field: 'key', message: 'or link is required, and not both' }]);
    }
    res.locals.signInLink = given.link;
    res.locals.caller = await callerWith(req, given);
    res.locals.principal = await authentication.principal(req, callerIn(res));
    next();
  };
  router.post(
    '/',
    jsonOnly,
    express.raw({ limit: BODY_LIMIT, type: 'application/json' }),
    (req, _res, next) => {
      if (Buffer.isBuffer(req.body)) req.body = readBody(req.body);
      next();
    },
    signIn,
    ...limited,
    audited('session.created', 'id', undefined, 'keyId'),
    async (req, res) => {
      const { keyId } = principalOf(res);
      const session = await sessions.begin(req, res, keyId, res.locals.signInLink as Link);
      if (!session) throw linkUsed();
      answer(res, view(session, callerIn(res)), 201);
    },
  );

  router.get('/', async (req, res) => {
    const session = await sessions.find(req);
    if (!session) throw notSignedIn();
    answer(res, view(session, session.caller));
  });

  const ofSession: RequestHandler = async (req, res, next) => {
    const session = await sessions.find(req);
    if (!session) throw notSignedIn();
    checkCsrf(req, session);
    res.locals.principal = await authentication.principal(req, session.caller);
    next();
  };
  router.delete(
    '/',
    ofSession,
    ...limited,
    audited('session.ended', 'id', undefined, 'keyId'),
    async (req, res) => {
      await sessions.end(req, res);
      const { keyId } = principalOf(res);
      answer(res, { keyId, ended: true } satisfies z.infer<typeof endedSessionSchema>);
    },
  );

  return router;
}

const linkUsed = (): ApiError =>
  new ApiError(
    'unauthorized',
    'this sign-in link has been used, or has expired; ask for another, or sign in with a key',
  );

const callerIn = ({ locals }: Response): Caller => locals.caller as Caller;

const notSignedIn = (): ApiError =>
  new ApiError('unauthorized', 'not signed in, or the session has ended; sign in with a key');

function view(
  { record: { endsAt }, csrfToken }: BrowserSession,
  caller: Caller,
): z.infer<typeof sessionSchema> {
  if (caller === 'admin') {
    return { role: caller, keyId: caller, projectId: null, csrfToken, expiresAt: endsAt };
  }
  const { _id: keyId, role, projectId, expiresAt } = caller.key;
  const first = expiresAt !== null && expiresAt < endsAt ? expiresAt : endsAt;
  return { role, keyId, projectId, csrfToken, expiresAt: first };
}
