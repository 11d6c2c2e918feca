import { Router, type RequestHandler } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { KEY_ROLES, type KeyRecord } from '../../store/keys';
import { makeWithin } from '../../store/make-within';
import type { Store } from '../../store/store';
import { answer, answerPage } from '../http/answers';
import { audited } from '../http/audited';
import { endWithinRights, principalOf } from '../http/auth';
import { notFound, refusal, wrongRole } from '../http/errors';
import type { keySchema } from '../schemas/project';
import {
  instant,
  nameField,
  pageQuery,
  parseBody,
  parseListQuery,
  pathId,
} from '../http/validation';

export const keyBody = z.strictObject({
  name: nameField,
  role: z.enum(KEY_ROLES),
  expiresAt: instant
    .refine((time) => time > clock.now(), 'must be in the future')
    .nullable()
    .optional()
    .describe(
      'When it expires: no later than the key that creates it, and with that key by default.',
    ),
});
export const keysQuery = z.strictObject(pageQuery('key'));

function view(record: KeyRecord): z.infer<typeof keySchema> {
  const { _id, projectId, name, role, expiresAt, lastUsedAt, createdAt } = record;
  return { id: _id, projectId, name, role, expiresAt, lastUsedAt, createdAt };
}

/** The admin, or an owner of this project; for others the project doesn't exist. */
const ownersOnly: RequestHandler = (req, res, next) => {
  const { role, project } = principalOf(res);
  if (role !== 'admin') {
    if (project?._id !== req.params.projectId) throw notFound('the project');
    if (role !== 'owner') throw wrongRole(role, ['owner']);
  }
  next();
};

/**
 * `/v1/projects/:projectId/keys`
 * @param max how many unexpired keys a project may have
 */
export function keysRouter(store: Store, max: number): Router {
  const router = Router({ mergeParams: true });
  router.use(ownersOnly);

  router.post('/', audited('key.created'), async (req, res) => {
    const projectId = pathId(req, 'project', 'projectId');
    const { name, role, expiresAt: asked = null } = parseBody(keyBody, req);
    const expiresAt = endWithinRights(res, asked);
    const made = await makeWithin(
      store,
      { of: store.projects, owner: projectId, max },
      (session) => store.keys.countLive(projectId, max, session),
      async (session) => {
        await store.keys.deleteLongExpired(projectId, session);
        return store.keys.create(projectId, name, role, expiresAt, session);
      },
    );
    if (!made) {
      if (!(await store.projects.get(projectId))) throw notFound('the project');
      throw refusal('key_limit_reached', { max });
    }
    answer(res, { ...view(made.record), key: made.key }, 201);
  });

  router.get('/', async (req, res) => {
    const projectId = pathId(req, 'project', 'projectId');
    const { page } = parseListQuery(keysQuery, req);
    if (!(await store.projects.get(projectId))) throw notFound('the project');
    answerPage(res, 'keys', await store.keys.list(projectId, page), view);
  });

  router.delete('/:keyId', audited('key.deleted', 'keyId'), async (req, res) => {
    const projectId = pathId(req, 'project', 'projectId');
    const id = pathId(req, 'key', 'keyId');
    if (!(await store.keys.delete(projectId, id))) throw notFound('the key');
    answer(res, { id, deleted: true });
  });

  return router;
}
