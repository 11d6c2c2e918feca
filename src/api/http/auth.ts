import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { clock } from '../../clock';
import type { KeyRole } from '../../store/keys';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import { ApiError, invalid, notFound, refusal, wrongRole } from './errors';
import type { FailedAuthentications } from './failed-authentications';
import { findProject, refersTo } from './references';

export type Role = 'admin' | KeyRole;

/** The caller, and the project. */
export interface Principal {
  role: Role;
  /** `admin`, or the id of a project's key: for rate limits and the audit log. */
  keyId: string;
  project: ProjectRecord | null;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

export function principalOf(res: Response): Principal {
  return res.locals.principal as Principal;
}

/** The request's project; only after `allow`, which makes sure that there is one. */
export function projectOf(res: Response): ProjectRecord {
  return principalOf(res).project!;
}

/** The key of `Authorization: Bearer KEY`. */
function keyInHeader(req: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
}

/** The key of `?token=`: for callers that can't set headers. */
function keyInQuery({ query: { token } }: Request): string | undefined {
  return typeof token === 'string' && token !== '' ? token : undefined;
}

export interface AuthenticationDependencies {
  store: Store;
  adminKey: string;
  failures: FailedAuthentications;
}

/**
 * Identifies the caller by the key and `x-project-id`.
 * @param options.tokenInQuery accepts a project's key in `?token=` too; never the admin's, since URLs
 *   end up in others' logs and settings
 */
export function authenticate(
  { store, adminKey, failures }: AuthenticationDependencies,
  { tokenInQuery = false } = {},
): RequestHandler {
  const adminHash = sha256(adminKey);
  return async (req, res, next) => {
    const inHeader = keyInHeader(req);
    const key = inHeader ?? (tokenInQuery ? keyInQuery(req) : undefined);
    if (key === undefined) {
      throw new ApiError('unauthorized', 'send your key as "Authorization: Bearer KEY"');
    }
    await failures.check(req);
    const asked = req.get('x-project-id');
    if (timingSafeEqual(sha256(key), adminHash)) {
      if (inHeader === undefined) {
        throw new ApiError(
          'unauthorized',
          'the admin key is not accepted in a URL: send it as "Authorization: Bearer KEY", or use a key of the project. Change the admin key if this URL may have been logged',
        );
      }
      const project = asked === undefined ? null : await findProject(store, asked);
      if (asked !== undefined && !project) throw notFound('the project of x-project-id');
      res.locals.principal = { role: 'admin', keyId: 'admin', project } satisfies Principal;
      next();
      return;
    }
    const record = await store.keys.findByKey(key);
    const project = record && (await findProject(store, record.projectId));
    if (!project) {
      await failures.count(req);
      throw refusal('unauthorized');
    }
    await failures.check(req);
    const now = clock.now();
    if (record.expiresAt !== null && record.expiresAt <= now) {
      throw new ApiError('unauthorized', 'this key has expired');
    }
    store.keys.touch(record, now);
    if (asked !== undefined && !refersTo(asked, project)) {
      throw new ApiError('forbidden', 'this key belongs to a project other than x-project-id');
    }
    res.locals.principal = {
      role: record.role,
      keyId: record._id,
      project,
    } satisfies Principal;
    next();
  };
}

/** Allows the admin and these roles, and makes sure that the request names its project. */
export function allow(...roles: KeyRole[]): RequestHandler {
  return (_req, res, next) => {
    const { role, project } = principalOf(res);
    if (role !== 'admin' && !roles.includes(role)) {
      throw wrongRole(role, roles);
    }
    if (!project) {
      throw invalid([
        {
          field: 'x-project-id',
          message: 'is required: with the admin key this header selects the project',
        },
      ]);
    }
    next();
  };
}

/** Whether the caller has set them, or could. */
export function maySeeCredentials(res: Response): boolean {
  return ['admin', 'owner'].includes(principalOf(res).role);
}

export const adminOnly: RequestHandler = (_req, res, next) => {
  if (principalOf(res).role !== 'admin') {
    throw wrongRole(principalOf(res).role, []);
  }
  next();
};
