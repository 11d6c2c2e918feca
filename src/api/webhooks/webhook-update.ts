import type { ChangedBy } from '../../domain/changed-by';
import type { ProjectRecord } from '../../store/projects';
import type { Cipher } from '../../store/cipher';
import { changeWebhook } from '../../store/change-webhook';
import type { Store } from '../../store/store';
import { sealHeaders } from '../../store/webhook-headers';
import type { WebhookRecord } from '../../store/webhook-record';
import { notFound } from '../http/errors';
import { disabledForLinks } from '../http/left-to-platform';
import type { Intake } from '../events/intake';
import type { WebhookChanges } from './webhook-body';

/** What it takes to change a webhook, and to start the event about it. */
export interface WebhookParts {
  store: Store;
  cipher: Cipher;
  intake: Intake;
}

/**
 * Changes a webhook's settings, and starts the event about enabling or disabling it.
 * @returns the webhook before and after
 * @throws ApiError 404; 403 if a customer tries to enable what the platform has disabled
 */
export async function updateWebhook(
  deps: WebhookParts,
  project: ProjectRecord,
  id: string,
  { headers, ...changes }: WebhookChanges,
  by: ChangedBy,
): Promise<{ before: WebhookRecord; webhook: WebhookRecord }> {
  const { store, cipher, intake } = deps;
  const given = { ...changes, ...(headers && { headers: sealHeaders(cipher, id, headers) }) };
  const updated = await changeWebhook(store, project, id, given, by);
  if (!updated) throw notFound('the webhook');
  if (updated === 'refused') throw disabledForLinks();
  intake.startAll(updated.events);
  return updated;
}
