import { Router, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { idPattern } from '../../contracts/ids';
import { disabledBy, pausedBy, type ChangedBy } from '../../domain/changed-by';
import { withoutCredentials } from '../../domain/credential-header';
import { HEALTH_STATES, healthOf } from '../../domain/webhook-health';
import { getProfile, type Profile } from '../../profiles';
import { policyOf } from '../../profiles/policy';
import { ifReadable } from '../../store/cipher';
import { deleteWebhook } from '../../store/delete-webhook';
import { skippedOf } from '../../store/replay-selection';
import { openHeaders } from '../../store/webhook-headers';
import type { ShownWebhook } from '../../store/webhook-record';
import { WEBHOOK_SORTS } from '../../store/webhook-list';
import type { Engine } from '../../temporal/engine';
import { answer, answerPage } from '../http/answers';
import { audited, nothingChanged } from '../http/audited';
import { allow, changedBy, maySeeCredentials, principalOf, projectOf, shareOf } from '../http/auth';
import { payloadField } from '../http/body';
import { invalid, notFound, refusal } from '../http/errors';
import { Pings } from './ping';
import { leftToPlatform, refuseSending } from '../http/left-to-platform';
import { changeOrRefuse, createOrGet, getIfExistsField } from '../http/external-ids';
import { webhookParam } from '../http/reference-params';
import { resourceInPath } from '../http/resource-in-path';
import { inCountTurn } from '../http/under-way';
import type { webhookDefaultsSchema, webhookSchema } from '../schemas/webhook';
import { sendTests } from './test-events';
import {
  nameField,
  pageQuery,
  parse,
  parseBody,
  parseListQuery,
  pathId,
  severalWords,
} from '../http/validation';
import { subscriptionField, webhookBodiesOf } from './webhook-body';
import { createWebhook } from './webhook-creation';
import { secretView, webhookSecretRouter } from './webhook-secret';
import { updateWebhook, type WebhookParts } from './webhook-update';

export interface WebhooksDependencies extends WebhookParts {
  engine: Engine;
  log: Logger;
  development: boolean;
  allowedCidrs: readonly string[];
}

export const newWebhookQuery = z.strictObject({ get_if_exists: getIfExistsField });
/** The id, followed by what else decides the place in an order. */
const CURSOR = new RegExp(
  `${idPattern('webhook').source.slice(0, -1)}(\\.[A-Za-z0-9_-]{1,2000})?$`,
);
export const webhooksQuery = z.strictObject({
  ...pageQuery('webhook'),
  cursor: z.string().regex(CURSOR, 'is not a cursor from a list').optional(),
  q: nameField
    .optional()
    .describe(
      'Webhooks with this in their name or URL, in upper or lower case; or the one with this id or `externalId`.',
    ),
  state: severalWords(HEALTH_STATES)
    .optional()
    .describe('Webhooks whose `health` is this, or one of several, separated by commas.'),
  sort: z
    .enum(WEBHOOK_SORTS)
    .default('createdAt')
    .describe('Webhooks with equal or missing values are ordered by creation time.'),
  order: z
    .enum(['asc', 'desc'])
    .optional()
    .describe('Default: `asc` for names, otherwise `desc`: the newest or most first.'),
});

function view(
  webhook: ShownWebhook,
  headers: Record<string, string> | null,
  reader: ChangedBy,
): z.infer<typeof webhookSchema> {
  const { _id, ...shown } = webhook;
  return {
    id: _id,
    projectId: shown.projectId,
    externalId: shown.externalId ?? null,
    name: shown.name,
    description: shown.description,
    url: shown.url,
    events: shown.events,
    isActive: shown.isActive,
    isPaused: shown.isPaused,
    disabledReason: shown.disabledReason,
    disabledBy: disabledBy(webhook),
    pausedBy: pausedBy(webhook),
    failureCount: shown.failureCount,
    lastSuccessAt: shown.lastSuccessAt,
    lastFailedAt: shown.lastFailedAt,
    lastStatus: shown.lastStatus,
    health: healthOf(webhook, reader),
    signing: shown.signing,
    policy: shown.policy,
    headers,
    filter: shown.filter ? (JSON.parse(shown.filter) as Record<string, unknown>) : null,
    createdAt: shown.createdAt,
    updatedAt: shown.updatedAt,
  };
}

/** @param events a subscription's field */
export const testBody = (events: z.ZodType<string[]>) =>
  z.strictObject({
    events: events.optional(),
    data: payloadField
      .meta({
        description:
          'By event type: data that is sent instead of the type’s sample, and checked like that of any event. Without `events`, only these types are sent.',
        override: { type: 'object', additionalProperties: { type: 'object' } },
      })
      .optional(),
  });

/** `/v1/webhooks` */
export function webhooksRouter(deps: WebhooksDependencies): Router {
  const { store, log } = deps;
  const router = Router();
  router.param('id', webhookParam(store));
  const read = allow('owner', 'reader');
  const write = allow('owner');
  const pings = new Pings(store);

  /** As this key may see it: a reader doesn't see the receiver's credentials. */
  const viewFor =
    (res: Response) =>
    (webhook: ShownWebhook): z.infer<typeof webhookSchema> => {
      const headers = ifReadable(() => openHeaders(deps.cipher, webhook));
      const shown = headers && !maySeeCredentials(res) ? withoutCredentials(headers) : headers;
      return view(webhook, shown, changedBy(res));
    };
  const profileOf = (res: Response): Profile => getProfile(projectOf(res).profile);
  const namesOf = (res: Response): Promise<string[]> => deps.intake.catalog.names(projectOf(res));
  const bodiesFor = async (
    { body }: Request,
    res: Response,
    before?: Pick<ShownWebhook, 'events' | 'filter'>,
  ) => {
    const { filter } = (body ?? {}) as { filter?: unknown };
    const problems = await deps.intake.checks.checkFilter(shareOf(principalOf(res)), filter);
    const names = await namesOf(res);
    const of = { ...deps, reader: changedBy(res) };
    return webhookBodiesOf(profileOf(res), names, of, () => problems, before);
  };

  const holderIn = (res: Response) => (externalId: string) =>
    store.webhooks.getByExternalId(projectOf(res)._id, externalId);

  router.get('/events/available', read, async (_req, res) => {
    answer(res, { events: await namesOf(res) });
  });

  router.get('/defaults', read, (_req, res) => {
    const profile = profileOf(res);
    answer(res, {
      signing: [...profile.signing],
      policy: policyOf(projectOf(res), { policy: {} }),
      acceptsSecret: profile.secretFromCaller,
      pingType: profile.pingOnCreate?.type ?? null,
    } satisfies z.infer<typeof webhookDefaultsSchema>);
  });

  router.post('/', write, audited('webhook.created'), async (req, res) => {
    const { get_if_exists: getIfExists } = parse(newWebhookQuery, req.query);
    const body = parseBody((await bodiesFor(req, res)).create, req);
    const project = projectOf(res);
    const made = await createOrGet(getIfExists, body.externalId, holderIn(res), () =>
      createWebhook(deps, project, body, changedBy(res)),
    );
    if ('holder' in made) {
      nothingChanged(res);
      answer(res, viewFor(res)(made.holder));
      return;
    }
    const { webhook, secret, pingId } = made.done;
    const { timeoutMs } = policyOf(project, webhook);
    const owner = shareOf(principalOf(res));
    const isOver = (): boolean => req.socket.destroyed;
    const pinged =
      pingId !== null &&
      (await pings
        .resultOf({ webhook, deliveryId: pingId, timeoutMs, owner, isOver })
        .catch((error: unknown) => {
          // The webhook exists, and its secret is only in this answer.
          log.warn({ err: error, webhookId: webhook._id }, 'ping could not be followed');
          return { webhook, ping: { outcome: 'pending' as const } };
        }));
    const shown = viewFor(res)(pinged ? pinged.webhook : webhook);
    const signedWith = secretView(webhook, secret, profileOf(res));
    answer(res, { ...shown, ...signedWith, ...(pinged && { ping: pinged.ping }) }, 201);
  });

  router.get('/', read, async (req, res) => {
    const { page, filter } = parseListQuery(webhooksQuery, req);
    const { q, state, sort, order = sort === 'name' ? 'asc' : 'desc' } = filter;
    const found = await store.webhooks.list(
      projectOf(res)._id,
      { q, states: state },
      { by: sort, isAscending: order === 'asc' },
      page,
    );
    if (!found) {
      const message = 'is not a cursor from a list in this order: begin again without one';
      throw invalid([{ field: 'cursor', message }]);
    }
    answerPage(res, 'webhooks', found, viewFor(res));
  });

  router.get('/:id', read, async (req, res) => {
    answer(res, viewFor(res)(await resourceInPath(req, res, 'webhook', store.webhooks)));
  });

  router.patch('/:id', write, audited('webhook.updated'), async (req, res) => {
    const id = pathId(req, 'webhook');
    if (req.body !== undefined && Object.hasOwn(req.body as object, 'url'))
      throw refusal('url_immutable');
    const shown = await resourceInPath(req, res, 'webhook', store.webhooks);
    const changes = parseBody((await bodiesFor(req, res, shown)).update, req);
    const { before, webhook } = await changeOrRefuse(id, changes.externalId, holderIn(res), () =>
      updateWebhook(deps, projectOf(res), id, changes, changedBy(res)),
    );
    const isEnabled = webhook.isActive && !before.isActive;
    const skipped =
      isEnabled &&
      (await inCountTurn(res, () => skippedOf(store, before)).catch((error: unknown) => {
        // It is enabled all the same, and a repeated request would not be told about them.
        log.warn({ err: error, webhookId: id }, 'skipped deliveries could not be counted');
        return null;
      }));
    answer(res, { ...viewFor(res)(webhook), ...(skipped && { skipped }) });
  });

  router.delete('/:id', write, audited('webhook.deleted'), async (req, res) => {
    const id = pathId(req, 'webhook');
    const outcome = await deleteWebhook(store, projectOf(res)._id, id, changedBy(res));
    if (outcome === null) throw notFound('the webhook');
    if (outcome === 'refused') {
      throw leftToPlatform('the platform has disabled or paused this webhook');
    }
    answer(res, { id, deleted: true });
  });

  const setPaused = async (req: Request, res: Response, isPaused: boolean): Promise<void> => {
    const projectId = projectOf(res)._id;
    const id = pathId(req, 'webhook');
    const webhook = await store.webhooks.setPaused(projectId, id, isPaused, changedBy(res));
    if (!webhook) throw notFound('the webhook');
    if (webhook === 'refused') throw leftToPlatform('the platform has paused this webhook');
    if (!isPaused) {
      deps.intake.dispatcher.couriers.call(projectId);
      await store.countedHours.expectChanges(projectId);
    }
    answer(res, viewFor(res)(webhook));
  };
  router.post('/:id/pause', write, audited('webhook.paused'), (req, res) =>
    setPaused(req, res, true),
  );
  router.post('/:id/resume', write, audited('webhook.resumed'), (req, res) =>
    setPaused(req, res, false),
  );

  router.post('/:id/test', write, audited('webhook.tested'), async (req, res) => {
    const project = projectOf(res);
    const field = subscriptionField(profileOf(res), await namesOf(res), changedBy(res));
    const asked = parseBody(testBody(field), req);
    const webhook = await resourceInPath(req, res, 'webhook', store.webhooks);
    refuseSending(res, webhook);
    const deliveries = await sendTests(deps, project, webhook, asked, changedBy(res));
    answer(
      res,
      { deliveries: deliveries.map(({ _id, eventType }) => ({ id: _id, eventType })) },
      202,
    );
  });

  router.use('/:id/secret', webhookSecretRouter(deps));

  return router;
}
