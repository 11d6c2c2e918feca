import { newId } from '../../contracts/ids';
import { generateSecret } from '../../delivery/signing';
import type { ChangedBy } from '../../domain/changed-by';
import { allowsWebhooks, getProfile } from '../../profiles';
import { insertTests } from '../../store/insert-tests';
import type { ProjectRecord } from '../../store/projects';
import { sealHeaders } from '../../store/webhook-headers';
import type { WebhookRecord } from '../../store/webhook-record';
import { notFound, refusal } from '../http/errors';
import { leftToPlatform } from '../http/left-to-platform';
import { ofProfile } from '../events/event-catalog';
import { prepareTests } from './test-events';
import type { NewWebhookBody } from './webhook-body';
import type { WebhookParts } from './webhook-update';

/**
 * Creates a webhook from checked settings, in one transaction with its place in the project's limit. If the
 * profile sends pings, the ping is part of it, and has been started when this returns.
 * @returns the webhook and its secret, which is only shown in the answer; the ping's delivery
 * @throws ApiError 404 if the project has been deleted meanwhile, 422 `webhook_limit_reached`, 403 `plan_not_allowed`;
 *   403 if a customer tries to create anew what the platform has stopped
 */
export async function createWebhook(
  { store, cipher, intake }: WebhookParts,
  project: ProjectRecord,
  settings: NewWebhookBody,
  by: ChangedBy = 'platform',
): Promise<{ webhook: WebhookRecord; secret: string; pingId: string | null }> {
  const profile = getProfile(project.profile);
  const id = newId('webhook');
  const secret = settings.secret ?? generateSecret(profile.secretFormat);
  const max = project.policy.maxWebhooks ?? profile.maxWebhooks;
  const { pingOnCreate } = profile;
  const { webhook, ping } = await store.transaction(async (session) => {
    const placed = await store.projects.takeWebhookPlace(project._id, max, session);
    if (!placed) {
      if (!(await store.projects.get(project._id))) throw notFound('the project');
      const orElse =
        by === 'platform' ? ', or ask the admin to raise policy.maxWebhooks of the project' : '';
      throw refusal('webhook_limit_reached', { max, orElse });
    }
    const { plan } = placed;
    if (!allowsWebhooks(profile, plan)) throw refusal('plan_not_allowed', { plan: plan! });
    if (by === 'customer' && (await store.webhooks.isStopped(project._id, settings.url, session))) {
      throw leftToPlatform('the platform has disabled or paused a webhook with this URL');
    }
    const created = await store.webhooks.create(
      {
        _id: id,
        projectId: project._id,
        externalId: settings.externalId ?? null,
        name: settings.name,
        description: settings.description ?? null,
        url: settings.url,
        events: settings.events,
        signing: settings.signing ?? [...profile.signing],
        policy: settings.policy ?? {},
        headers: settings.headers ? sealHeaders(cipher, id, settings.headers) : null,
        filter: settings.filter ?? null,
        secrets: [cipher.seal(secret, id)],
      },
      session,
    );
    if (pingOnCreate === null) return { webhook: created, ping: null };
    const pinged = ofProfile(profile.name, pingOnCreate);
    const tests = await prepareTests(intake, project, created, [pinged], by, { isPing: true });
    const events = await insertTests(store, tests, session);
    return { webhook: created, ping: { id: tests[0]!.delivery._id, events } };
  });
  if (ping) intake.startAll(ping.events);
  return { webhook, secret, pingId: ping?.id ?? null };
}
