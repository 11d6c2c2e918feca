import { externalIdIn, isId } from '../../contracts/ids';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhook-record';
import { notFound } from './errors';

/* Callers' references to projects and webhooks: their ids, or `ext:` and the caller's own id. */

/**
 * Found by its id, a project may lack another process's changes for up to a second. Whose an external id is may
 * change too, so that is not remembered.
 */
export async function findProject(
  { projects }: Store,
  reference: string,
): Promise<ProjectRecord | null> {
  const externalId = externalIdIn(reference);
  if (externalId !== undefined) return projects.getByExternalId(externalId);
  if (!isId('project', reference)) return null;
  return projects.known.get(reference, () => projects.get(reference));
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

/** Whether it refers to this project. */
export function refersTo(reference: string, { _id, externalId }: ProjectRecord): boolean {
  const asked = externalIdIn(reference);
  return asked === undefined ? reference === _id : asked === externalId;
}

/**
 * The id in a filter: one of ours need not exist, so that a deleted webhook's deliveries are found. Another project's
 * becomes one that has no deliveries, so that none of that project's are read to find that out.
 * @throws ApiError 404 if no webhook has that external id
 */
export async function webhookIdOf(
  store: Store,
  project: ProjectRecord,
  reference: string,
): Promise<string> {
  if (externalIdIn(reference) === undefined) {
    return (await store.webhooks.isOfAnother(project._id, reference)) ? '' : reference;
  }
  const webhook = await findWebhook(store, project, reference);
  if (!webhook) throw notFound('the webhook');
  return webhook._id;
}

/** The same for an audit entry's target: a project, or a webhook of the requested project. */
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
