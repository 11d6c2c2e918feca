import type { RequestParamHandler } from 'express';
import { z } from 'zod';
import { externalIdIn, isId } from '../../contracts/ids';
import { isDuplicateKey } from '../../store/errors';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhook-record';
import { principalOf } from './auth';
import { invalid, notFound, refusal, type ApiError } from './errors';

/* How callers name projects and webhooks: by their ids, or as `ext:` and an id of the caller's own. */

export async function findProject(store: Store, reference: string): Promise<ProjectRecord | null> {
  const externalId = externalIdIn(reference);
  if (externalId !== undefined) return store.projects.getByExternalId(externalId);
  return isId('project', reference) ? store.projects.get(reference) : null;
}

export async function findWebhook(
  store: Store,
  { _id }: ProjectRecord,
  reference: string,
): Promise<WebhookRecord | null> {
  const externalId = externalIdIn(reference);
  if (externalId !== undefined) return store.webhooks.getByExternalId(_id, externalId);
  return isId('webhook', reference) ? store.webhooks.get(_id, reference) : null;
}

/** Whether it names just this project. */
export function refersTo(reference: string, { _id, externalId }: ProjectRecord): boolean {
  const asked = externalIdIn(reference);
  return asked === undefined ? reference === _id : asked === externalId;
}

/**
 * The id in a filter. One of ours is taken as it is: what a deleted webhook has left is found by it.
 * @throws ApiError 404 where no webhook has that external id
 */
export async function webhookIdOf(
  store: Store,
  project: ProjectRecord,
  reference: string,
): Promise<string> {
  if (externalIdIn(reference) === undefined) return reference;
  const webhook = await findWebhook(store, project, reference);
  if (!webhook) throw notFound('the webhook');
  return webhook._id;
}

/** The same of what an audit entry is about: a project, or a webhook of the one that is asked for. */
export async function targetIdOf(
  store: Store,
  project: ProjectRecord | null,
  target: string,
): Promise<string> {
  if (externalIdIn(target) === undefined) return target;
  const webhook = project && (await findWebhook(store, project, target));
  const found = webhook ?? (await findProject(store, target));
  if (!found || (project && !webhook && found._id !== project._id)) throw notFound('the target');
  return found._id;
}

/**
 * Puts the id into the path where a caller has written `ext:…`, before any handler sees it. One that
 * nobody has stays, and is answered as an id that doesn't exist, behind the checks of the role.
 */
export const projectParam =
  (store: Store): RequestParamHandler =>
  async (req, _res, next, reference: string, name) => {
    const project =
      externalIdIn(reference) === undefined ? null : await findProject(store, reference);
    if (project) req.params[name] = project._id;
    next();
  };

/** The same for the webhooks of the request's project. */
export const webhookParam =
  (store: Store): RequestParamHandler =>
  async (req, res, next, reference: string, name) => {
    const { project } = principalOf(res);
    const webhook =
      project && externalIdIn(reference) !== undefined
        ? await findWebhook(store, project, reference)
        : null;
    if (webhook) req.params[name] = webhook._id;
    next();
  };

/** `?get_if_exists=true` of what is made with an external id: answers what has it already, as it is. */
export const getIfExistsField = z
  .enum(['true', 'false'], 'must be true or false')
  .optional()
  .describe('`true`: what has the `externalId` already is answered (200), unchanged.');

/** How often a write is tried while others take its external id and give it up again. */
const TRIES = 5;

/**
 * Does what takes an external id, unless another has it; the unique index decides between two at once.
 * @param findHolder who has the external id, apart from whoever is written
 */
async function unlessTaken<T, H extends { _id: string }>(
  findHolder: () => Promise<H | null>,
  write: () => Promise<T>,
): Promise<{ done: T } | { holder: H }> {
  for (let tries = 1; ; tries += 1) {
    const holder = await findHolder();
    if (holder) return { holder };
    try {
      return { done: await write() };
    } catch (error) {
      if (!isDuplicateKey(error) || tries === TRIES) throw error;
    }
  }
}

/**
 * Makes what a body describes, or finds what has its external id already.
 * @throws ApiError 409 where it is taken and `getIfExists` isn't true; 422 where that has nothing to go by
 */
export async function createOrGet<T, H extends { _id: string }>(
  getIfExists: z.infer<typeof getIfExistsField>,
  externalId: string | null | undefined,
  find: (externalId: string) => Promise<H | null>,
  create: () => Promise<T>,
): Promise<{ done: T } | { holder: H }> {
  const isGiven = typeof externalId === 'string';
  if (getIfExists === 'true' && !isGiven) {
    throw invalid([{ field: 'externalId', message: 'is required with get_if_exists' }]);
  }
  const made = await unlessTaken(async () => (isGiven ? find(externalId) : null), create);
  if ('holder' in made && getIfExists !== 'true') throw externalIdTaken(made.holder);
  return made;
}

/** Changes what may take an external id; @throws ApiError 409 where another has it. */
export async function changeOrRefuse<T>(
  id: string,
  externalId: string | null | undefined,
  find: (externalId: string) => Promise<{ _id: string } | null>,
  change: () => Promise<T>,
): Promise<T> {
  const changed = await unlessTaken(async () => {
    const holder = typeof externalId === 'string' ? await find(externalId) : null;
    return holder?._id === id ? null : holder;
  }, change);
  if ('holder' in changed) throw externalIdTaken(changed.holder);
  return changed.done;
}

function externalIdTaken({ _id }: { _id: string }): ApiError {
  return refusal('external_id_taken', { id: _id });
}
