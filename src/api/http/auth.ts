import type { RequestHandler, Response } from 'express';
import type { ChangedBy } from '../../domain/changed-by';
import type { KeyRole } from '../../store/keys';
import type { ProjectRecord } from '../../store/projects';
import { invalid, wrongRole } from './errors';

/** What a portal link allows, as the audit log names it: `portal:read` or `portal:manage`. */
export const CAPABILITIES = ['read', 'manage'] as const;
export type Capabilities = (typeof CAPABILITIES)[number];
export type Role = 'admin' | KeyRole | `portal:${Capabilities}`;

/** The caller, and the project. */
export interface Principal {
  role: Role;
  /** `admin`, or the id of a project's key or portal link: for rate limits and the audit log. */
  keyId: string;
  project: ProjectRecord | null;
  /** When its rights end; null: at no set time. */
  endsAt: Date | null;
}

export function principalOf(res: Response): Principal {
  return res.locals.principal as Principal;
}

/** The request's project; only after `allow`, which makes sure that there is one. */
export function projectOf(res: Response): ProjectRecord {
  return principalOf(res).project!;
}

/** When something that the caller makes ends: no later than the caller's own rights. */
export function endWithinRights<T extends Date | null>(res: Response, asked: T): T | Date {
  const { endsAt } = principalOf(res);
  return endsAt !== null && (asked === null || endsAt < asked) ? endsAt : asked;
}

/** What a portal link allows; null: the caller has a key. */
export function portalCapabilities({ role }: Principal): Capabilities | null {
  if (role === 'portal:read') return 'read';
  return role === 'portal:manage' ? 'manage' : null;
}

const sideOf = (principal: Principal): ChangedBy =>
  portalCapabilities(principal) === null ? 'platform' : 'customer';

export const changedBy = (res: Response): ChangedBy => sideOf(principalOf(res));

/** On the routes that are open to it (portal-rights.ts), a portal link is like a key of that role. */
function keyRole(principal: Principal): Role {
  const capabilities = portalCapabilities(principal);
  if (capabilities === null) return principal.role;
  return capabilities === 'manage' ? 'owner' : 'reader';
}

/**
 * Whose share of a project's limits a request uses: the project's own, or that of all its portal links, so that its
 * customers don't use up what its own keys need.
 */
export const shareOf = (principal: Principal): string =>
  shareFor(principal.project!, sideOf(principal));

export const shareFor = ({ _id }: ProjectRecord, by: ChangedBy): string =>
  by === 'platform' ? _id : `portal/${_id}`;

/**
 * Whose places it takes where there are few: as above, but the admin's requests for a project don't count towards
 * it.
 */
export const placeOf = (principal: Principal): string =>
  principal.role === 'admin' ? `admin/${shareOf(principal)}` : shareOf(principal);

/** Checks again whether a request would still be accepted, without counting it; at `res.locals.identify`. */
export type Identify = () => Promise<Principal>;

/** Whether it may see the project's webhooks, events and deliveries. */
export const mayRead = (principal: Principal): boolean =>
  ['admin', 'owner', 'reader'].includes(keyRole(principal));

/** Allows the admin and these roles, and makes sure that the request names its project. */
export function allow(...roles: KeyRole[]): RequestHandler {
  const allowed: readonly Role[] = ['admin', ...roles];
  return (_req, res, next) => {
    const principal = principalOf(res);
    if (!allowed.includes(keyRole(principal))) throw wrongRole(principal.role, roles);
    if (!principal.project) {
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

/** The same, but the admin may leave out the project, and then asks for all. */
export function allowAnywhere(...roles: KeyRole[]): RequestHandler {
  const inProject = allow(...roles);
  return (req, res, next) => {
    const { role, project } = principalOf(res);
    if (role === 'admin' && !project) next();
    else inProject(req, res, next);
  };
}

/** Whether the caller has set them, or could. */
export function maySeeCredentials(res: Response): boolean {
  return ['admin', 'owner'].includes(keyRole(principalOf(res)));
}

export const adminOnly: RequestHandler = (_req, res, next) => {
  if (principalOf(res).role !== 'admin') {
    throw wrongRole(principalOf(res).role, []);
  }
  next();
};
