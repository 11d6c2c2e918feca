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

/** Who is asking, and for which project. */
export interface Principal {
  role: Role;
  /** `admin`, or the id of a project's key: whom rate limits and the audit name. */
  keyId: string;
  project: ProjectRecord | null;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

export function principalOf(res: Response): Principal {
  return res.locals.principal as Principal;
}

/** The project in question; only behind `allow`, which makes sure that there is one. */
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
 * Finds out by the key, and `x-project-id`, who asks.
 * @param options.tokenInQuery a project's key may stand in `?token=` as well; the admin's may not,
 *   since URLs are kept in the logs and the settings of others
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
          'the admin key is never taken from a URL: send it as "Authorization: Bearer KEY", or use a key of the project here. Change the admin key if this URL may have been logged',
        );
      }
      const project = asked === undefined ? null : await findProject(store, asked);
      if (asked !== undefined && !project) throw notFound('the project of x-project-id');
      res.locals.principal = { role: 'admin', keyId: 'admin', project } satisfies Principal;
      next();
      return;
    }
    const record = await store.keys.findByKey(key);
    const project = record && (await store.projects.get(record.projectId));
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
      throw new ApiError('forbidden', 'this key belongs to another project than x-project-id');
    }
    res.locals.principal = {
      role: record.role,
      keyId: record._id,
      project,
    } satisfies Principal;
    next();
  };
}

/** Lets the admin and these roles through, and makes sure that the request names its project. */
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
          message: 'is required: the admin key needs this header to know the project',
        },
      ]);
    }
    next();
  };
}

/** Whether whoever asks has set them, or could. */
export function maySeeCredentials(res: Response): boolean {
  return ['admin', 'owner'].includes(principalOf(res).role);
}

export const adminOnly: RequestHandler = (_req, res, next) => {
  if (principalOf(res).role !== 'admin') {
    throw wrongRole(principalOf(res).role, []);
  }
  next();
};
