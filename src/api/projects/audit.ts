import { Router } from 'express';
import { z } from 'zod';
import { AUDIT_ACTIONS, type AuditRecord } from '../../store/audit';
import type { Store } from '../../store/store';
import { answerPage } from '../http/answers';
import { allowAnywhere, principalOf } from '../http/auth';
import { targetIdOf } from '../http/references';
import type { auditEntrySchema } from '../schemas/audit';
import { pageQuery, parseListQuery, rangeQuery } from '../http/validation';

export const auditQuery = z.strictObject({
  ...pageQuery('audit'),
  ...rangeQuery,
  action: z.enum(AUDIT_ACTIONS).optional(),
  target: z.string().max(200).optional(),
});

function view({
  _id,
  expiresAt: _expiresAt,
  ...shown
}: AuditRecord): z.infer<typeof auditEntrySchema> {
  return {
    id: _id,
    projectId: shown.projectId,
    action: shown.action,
    target: shown.target,
    key: shown.key,
    role: shown.role,
    changedFields: shown.changedFields,
    requestId: shown.requestId,
    outcome: shown.outcome,
    time: shown.time,
  };
}

/** `/v1/audit`: of the project; the admin key without a project sees all, even of deleted projects. */
export function auditRouter(store: Store): Router {
  const router = Router();

  router.get('/', allowAnywhere('owner', 'reader'), async (req, res) => {
    const { page, filter } = parseListQuery(auditQuery, req);
    const { project } = principalOf(res);
    const { target, ...rest } = filter;
    const query = {
      ...rest,
      ...(target !== undefined && { target: await targetIdOf(store, project, target) }),
    };
    const found = await store.audit.list(project?._id ?? null, query, page);
    answerPage(res, 'entries', found, view);
  });

  return router;
}
