import { Router, type RequestHandler } from 'express';
import { z } from 'zod';
import { isOperational } from '../../contracts/operational';
import { didYouMean } from '../../domain/near';
import { isSubscribed } from '../../domain/subscription';
import { canonicalWebhookUrl, nameAfterHost } from '../../domain/webhook-url';
import { getProfile, typeNamed, type Profile } from '../../profiles';
import { isSame } from '../../providers/signature';
import { ifReadable, type Cipher } from '../../store/cipher';
import { deleteWebhook } from '../../store/delete-webhook';
import type { BriefWebhook } from '../../store/webhooks';
import type { WebhookRecord } from '../../store/webhook-record';
import { audited } from '../http/audited';
import { allow, projectOf } from '../http/auth';
import { BODY_LIMIT } from '../http/body';
import { invalid, notFound, refusal } from '../http/errors';
import { jsonBody } from '../http/json-body';
import { webhookParam } from '../http/reference-params';
import { resourceInPath } from '../http/resource-in-path';
import type { platformWebhookSchema } from '../schemas/platform';
import { parse, parseBody, pathId } from '../http/validation';
import { webhookBodiesOf, type NewWebhookBody } from '../webhooks/webhook-body';
import { createWebhook } from '../webhooks/webhook-creation';
import { updateWebhook, type WebhookParts } from '../webhooks/webhook-update';

export interface ManageDependencies extends WebhookParts {
  /** What follows the reading of a body. */
  behindBody: RequestHandler[];
  development: boolean;
  allowedCidrs: readonly string[];
}

export const manageBody = z.strictObject({
  url: z.string(),
  events: z.string().max(1000),
  secret: z.string().optional(),
});
/** Replaces all of a webhook, except what never changes: that may be omitted, or repeated as it was shown. */
export const manageReplacement = manageBody
  .extend({
    id: z.string().optional(),
    active: z.boolean().optional(),
    created_at: z.string().optional(),
  })
  .partial({ url: true });
export const manageChanges = manageReplacement.partial();
type ManageChanges = z.infer<typeof manageChanges>;

/** Short names and types that the subscriptions include. */
const shownOf = (events: readonly string[], { aliases }: Profile): [name: string, type: string][] =>
  [...aliases].filter(([, type]) => isSubscribed(events, type));

/** A webhook as the platform shows it: its subscriptions as short names, separated by commas. */
function view(
  { _id, url, events, isActive, createdAt }: BriefWebhook,
  profile: Profile,
): z.infer<typeof platformWebhookSchema> {
  const names = shownOf(events, profile);
  return {
    id: _id,
    url,
    events: names.map(([name]) => name).join(','),
    active: isActive,
    created_at: createdAt,
  };
}

/** `open,click`, or `email.open,email.click`, as event types. */
function typesOf(events: string, profile: Profile): string[] {
  const { aliases } = profile;
  const types = events.split(',').map((part) => {
    const name = part.trim().toLowerCase();
    const type = typeNamed(profile, name);
    if (![...aliases.values()].includes(type)) {
      const known = [...aliases].flat();
      const message = `must consist of ${known.join(', ')}, separated by commas.${didYouMean(name, known)}`;
      throw invalid([{ field: 'events', message }]);
    }
    return type;
  });
  return [...new Set(types)];
}

/**
 * The changed subscriptions. The form shows neither `*`, families, nor Posthorn's own events: repeating all that it
 * shows changes nothing, and Posthorn's own stay.
 * @returns null: they stay as they are
 */
function changedEvents(
  { events: before }: WebhookRecord,
  events: string,
  profile: Profile,
): string[] | null {
  const shown = shownOf(before, profile).map(([, type]) => type);
  if (shown.length === 0 && events === '') return null;
  const types = typesOf(events, profile);
  if (types.length === shown.length && types.every((type) => shown.includes(type))) return null;
  return [...types, ...before.filter(isOperational)];
}

/** Whether it is the webhook's URL, in any spelling. */
const isUrlOf = (webhook: WebhookRecord, url: string): boolean =>
  URL.canParse(url) && canonicalWebhookUrl(url) === webhook.url;

/** Whether it is the webhook's newest secret: a caller may repeat everything that it has set. */
function isSecretOf(cipher: Cipher, { _id, secrets }: WebhookRecord, secret: string): boolean {
  const [newest] = secrets;
  return isSame(secret, (newest && ifReadable(() => cipher.open(newest, _id))) ?? '');
}

/** `/api/webhooks/manage`: the project's webhooks, in the platform's form. */
export function manageRouter(deps: ManageDependencies): Router {
  const router = Router();
  router.param('id', webhookParam(deps.store));

  router.use(...jsonBody(BODY_LIMIT, deps.intake.checks), deps.behindBody);

  router.get('/', allow('owner', 'reader'), async (_req, res) => {
    const project = projectOf(res);
    const profile = getProfile(project.profile);
    const webhooks = await deps.store.webhooks.listBrief(project._id);
    res.json({ webhooks: webhooks.map((webhook) => view(webhook, profile)) });
  });

  router.post('/', allow('owner'), audited('webhook.created'), async (req, res) => {
    const project = projectOf(res);
    const profile = getProfile(project.profile);
    const { url, events, secret } = parseBody(manageBody, req);
    const names = await deps.intake.catalog.names(project);
    const body: NewWebhookBody = parse(
      webhookBodiesOf(profile, names, { ...deps, reader: 'platform' }).create,
      {
        // The platform's have none.
        name: nameAfterHost(url),
        url,
        events: typesOf(events, profile),
        ...(secret !== undefined && { secret }),
      },
    );
    const made = await createWebhook(deps, project, body);
    res.status(201).json({
      ...view(made.webhook, profile),
      // The caller knows a secret that it supplied.
      ...(secret === undefined && { secret: made.secret }),
    });
  });

  router.get('/:id', allow('owner', 'reader'), async (req, res) => {
    const project = projectOf(res);
    res.json(
      view(
        await resourceInPath(req, res, 'webhook', deps.store.webhooks),
        getProfile(project.profile),
      ),
    );
  });

  const change =
    (body: z.ZodType<ManageChanges>): RequestHandler =>
    async (req, res) => {
      const project = projectOf(res);
      const profile = getProfile(project.profile);
      const { id, url, events, secret, active, created_at: createdAt } = parseBody(body, req);
      const before = await resourceInPath(req, res, 'webhook', deps.store.webhooks);
      if (url !== undefined && !isUrlOf(before, url)) throw refusal('url_immutable');
      const isItsTime = (text: string): boolean => Date.parse(text) === before.createdAt.getTime();
      const wrong = [
        ...(id !== undefined && id !== before._id ? ['id'] : []),
        ...(createdAt !== undefined && !isItsTime(createdAt) ? ['created_at'] : []),
      ];
      if (wrong.length > 0) {
        throw invalid(wrong.map((field) => ({ field, message: 'never changes; omit it' })));
      }
      if (secret !== undefined && !isSecretOf(deps.cipher, before, secret)) {
        const message = 'can only be changed by POST /v1/webhooks/:id/secret/rotate';
        throw invalid([{ field: 'secret', message }]);
      }
      const changed = events === undefined ? null : changedEvents(before, events, profile);
      const changes = {
        ...(changed && { events: changed }),
        // Repeated, it must not become the platform's own disabling, which would bind the customer.
        ...(active !== undefined && active !== before.isActive && { isActive: active }),
      };
      const { webhook } = await updateWebhook(deps, project, before._id, changes, 'platform');
      res.json(view(webhook, profile));
    };
  const update = [allow('owner'), audited('webhook.updated')];
  router.put('/:id', ...update, change(manageReplacement));
  router.patch('/:id', ...update, change(manageChanges));

  router.delete('/:id', allow('owner'), audited('webhook.deleted'), async (req, res) => {
    const id = pathId(req, 'webhook');
    if (!(await deleteWebhook(deps.store, projectOf(res)._id, id))) throw notFound('the webhook');
    res.json({ id, deleted: true });
  });

  return router;
}
