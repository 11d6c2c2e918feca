import type { RequestHandler, Response } from 'express';
import type { KeyRole } from '../../store/keys';
import type { ProjectRecord } from '../../store/projects';
import { invalid, wrongRole } from './errors';

export type Role = 'admin' | KeyRole;

/** The caller, and the project. */
export interface Principal {
  role: Role;
  /** `admin`, or the id of a project's key: for rate limits and the audit log. */
  keyId: string;
  project: ProjectRecord | null;
}

export function principalOf(res: Response): Principal {
  return res.locals.principal as Principal;
}

/** The request's project; only after `allow`, which makes sure that there is one. */
export function projectOf(res: Response): ProjectRecord {
  return principalOf(res).project!;
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
