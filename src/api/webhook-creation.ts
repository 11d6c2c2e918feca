import { newId } from '../contracts/ids';
import { generateSecret } from '../delivery/signing';
import { getProfile } from '../profiles';
import type { Cipher } from '../store/cipher';
import type { ProjectRecord } from '../store/projects';
import type { Store } from '../store/store';
import type { WebhookRecord } from '../store/webhooks';
import { ApiError } from './errors';
import type { NewWebhookBody } from './webhook-body';

/**
 * Makes a webhook of checked settings: its place in the project's limit and the webhook itself are
 * taken in one transaction, so that neither is left alone.
 * @returns the webhook and its secret, which leaves the system only in the answer
 * @throws ApiError 422 `webhook_limit_reached`
 */
export async function createWebhook(
  { store, cipher }: { store: Store; cipher: Cipher },
  project: ProjectRecord,
  settings: NewWebhookBody,
): Promise<{ webhook: WebhookRecord; secret: string }> {
  const profile = getProfile(project.profile);
  const id = newId('webhook');
  const secret = generateSecret(profile.secretFormat);
  const max = project.policy.maxWebhooks ?? profile.maxWebhooks;
  const webhook = await store.transaction(async (session) => {
    if (!(await store.projects.takeWebhookPlace(project._id, max, session))) {
      throw new ApiError('webhook_limit_reached', `this project holds its ${max} webhooks`);
    }
    return store.webhooks.create(
      {
        _id: id,
        projectId: project._id,
        name: settings.name,
        description: settings.description ?? null,
        url: settings.url,
        events: settings.events,
        signing: settings.signing ?? [...profile.signing],
        policy: settings.policy ?? {},
        headers: settings.headers ?? {},
        secrets: [cipher.seal(secret, id)],
      },
      session,
    );
  });
  return { webhook, secret };
}
