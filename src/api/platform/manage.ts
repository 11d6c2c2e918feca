import { Router } from 'express';
import { z } from 'zod';
import { isSubscribed } from '../../domain/subscription';
import { getProfile, type Profile } from '../../profiles';
import type { Cipher } from '../../store/cipher';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhooks';
import { audited } from '../audited';
import { allow, projectOf } from '../auth';
import { invalid } from '../errors';
import type { Intake } from '../intake';
import { jsonBody } from '../json-body';
import type { platformWebhookSchema } from '../schemas/platform';
import { parse, parseBody } from '../validation';
import { webhookBodiesOf, type NewWebhookBody } from '../webhook-body';
import { createWebhook } from '../webhook-creation';

export interface ManageDependencies {
  store: Store;
  cipher: Cipher;
  intake: Intake;
  development: boolean;
  allowedCidrs: readonly string[];
}

const BODY_LIMIT = '256kb';
const MAX_NAME_LENGTH = 200;
/** More than any project holds: this list has no pages. */
const ALL = 10_000;

export const manageBody = z.strictObject({
  url: z.string(),
  events: z.string().max(1000),
  secret: z.string().optional(),
});

/** A webhook as the platform shows it: what it is subscribed to in short names, joined by commas. */
function view(
  { _id, url, events, isActive, createdAt }: WebhookRecord,
  { aliases }: Profile,
): z.infer<typeof platformWebhookSchema> {
  const names = [...aliases].filter(([, type]) => isSubscribed(events, type));
  return {
    id: _id,
    url,
    events: names.map(([name]) => name).join(','),
    active: isActive,
    created_at: createdAt,
  };
}

/** `open,click` as event types. */
function typesOf(events: string, { aliases }: Profile): string[] {
  return events.split(',').map((name) => {
    const type = aliases.get(name.trim());
    if (type === undefined) {
      const message = `must be of ${[...aliases.keys()].join(', ')}, joined by commas`;
      throw invalid([{ field: 'events', message }]);
    }
    return type;
  });
}

/** The platform gives its webhooks no name; ours are called after the host. */
function nameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host.slice(0, MAX_NAME_LENGTH) || 'webhook' : 'webhook';
}

/** `/api/webhooks/manage`: the project's webhooks, in the platform's form. */
export function manageRouter(deps: ManageDependencies): Router {
  const router = Router();

  router.get('/', allow('owner', 'reader'), async (_req, res) => {
    const project = projectOf(res);
    const profile = getProfile(project.profile);
    const { items } = await deps.store.webhooks.list(project._id, { limit: ALL });
    res.json({ webhooks: items.map((webhook) => view(webhook, profile)) });
  });

  const json = jsonBody(BODY_LIMIT);
  router.post('/', allow('owner'), json, audited('webhook.created'), async (req, res) => {
    const project = projectOf(res);
    const profile = getProfile(project.profile);
    const { url, events, secret } = parseBody(manageBody, req);
    const names = await deps.intake.catalog.names(project);
    const body: NewWebhookBody = parse(webhookBodiesOf(profile, names, deps).create, {
      name: nameOf(url),
      url,
      events: typesOf(events, profile),
      ...(secret !== undefined && { secret }),
    });
    const made = await createWebhook(deps, project, body);
    res.status(201).json({
      ...view(made.webhook, profile),
      // The caller knows its own.
      ...(secret === undefined && { secret: made.secret }),
    });
  });

  return router;
}
