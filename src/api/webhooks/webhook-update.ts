import { clock } from '../../clock';
import type { ProjectDefaults, ProjectRecord } from '../../store/projects';
import type { Cipher } from '../../store/cipher';
import { changeWebhook } from '../../store/change-webhook';
import type { Store } from '../../store/store';
import { sealHeaders } from '../../store/webhook-headers';
import type { WebhookRecord } from '../../store/webhook-record';
import { notFound } from '../http/errors';
import type { Intake } from '../events/intake';
import type { WebhookChanges } from './webhook-body';

export interface WebhookUpdateDependencies extends ProjectDefaults {
  store: Store;
  cipher: Cipher;
  intake: Intake;
}

/**
 * Changes a webhook's settings, and starts the event about enabling or disabling it.
 * @returns the changed webhook, and whether this enabled it
 * @throws ApiError 404
 */
export async function updateWebhook(
  deps: WebhookUpdateDependencies,
  project: ProjectRecord,
  id: string,
  { isActive, headers, ...changes }: WebhookChanges,
): Promise<{ webhook: WebhookRecord; isEnabled: boolean }> {
  const { store, cipher, intake } = deps;
  const updated = await changeWebhook(store, deps, project, id, {
    ...changes,
    ...(headers && { headers: sealHeaders(cipher, id, headers) }),
    ...(isActive === true && {
      isActive,
      disabledReason: null,
      disabledAt: null,
      failureCount: 0,
      warnings: [],
    }),
    ...(isActive === false && { isActive, disabledReason: 'manual', disabledAt: clock.now() }),
  });
  if (!updated) throw notFound('the webhook');
  intake.startAll(updated.events);
  const { webhook, wasActive } = updated;
  return { webhook, isEnabled: webhook.isActive && !wasActive };
}
