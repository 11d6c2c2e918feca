import { Router, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { getProfile, type Profile } from '../profiles';
import type { Cipher } from '../store/cipher';
import type { Store } from '../store/store';
import type { WebhookRecord } from '../store/webhooks';
import type { Engine } from '../temporal/client';
import { answer, answerPage } from './answers';
import { allow, projectOf } from './auth';
import { ApiError, notFound } from './errors';
import { pageQuery, parseBody, parseListQuery, pathId } from './validation';
import { webhookBodies } from './webhook-body';
import { createWebhook } from './webhook-creation';

export interface WebhooksDependencies {
  store: Store;
  engine: Engine;
  log: Logger;
  cipher: Cipher;
  development: boolean;
  allowedCidrs: readonly string[];
}

const listQuery = z.strictObject(pageQuery('webhook'));

function view(webhook: WebhookRecord): Record<string, unknown> {
  const { _id, secrets: _secrets, countedAttempts: _counted, ...shown } = webhook;
  return {
    id: _id,
    projectId: shown.projectId,
    name: shown.name,
    description: shown.description,
    url: shown.url,
    events: shown.events,
    isActive: shown.isActive,
    isPaused: shown.isPaused,
    disabledReason: shown.disabledReason,
    failureCount: shown.failureCount,
    lastSuccessAt: shown.lastSuccessAt,
    lastFailedAt: shown.lastFailedAt,
    lastStatus: shown.lastStatus,
    signing: shown.signing,
    policy: shown.policy,
    headers: shown.headers,
    createdAt: shown.createdAt,
    updatedAt: shown.updatedAt,
  };
}

/** `/v1/webhooks` */
export function webhooksRouter(deps: WebhooksDependencies): Router {
  const { store, engine, log, cipher, development, allowedCidrs } = deps;
  const router = Router();
  const read = allow('owner', 'reader');
  const write = allow('owner');

  const profileOf = (res: Response): Profile => getProfile(projectOf(res).profile);
  const bodiesFor = (profile: Profile) =>
    webhookBodies(profile, {
      allowHttp: development && profile.httpInDevelopment,
      development,
      allowedCidrs,
    });

  router.get('/events/available', read, (_req, res) => {
    answer(res, { events: profileOf(res).events.map(({ type }) => type) });
  });

  router.post('/', write, async (req, res) => {
    const body = parseBody(bodiesFor(profileOf(res)).create, req);
    const { webhook, secret } = await createWebhook(deps, projectOf(res), body);
    answer(res, { ...view(webhook), secret }, 201);
  });

  router.get('/', read, async (req, res) => {
    const { page } = parseListQuery(listQuery, req);
    answerPage(res, 'webhooks', await store.webhooks.list(projectOf(res)._id, page), view);
  });

  router.get('/:id', read, async (req, res) => {
    const webhook = await store.webhooks.get(projectOf(res)._id, pathId(req, 'webhook'));
    if (!webhook) throw notFound('the webhook');
    answer(res, view(webhook));
  });

  router.patch('/:id', write, async (req, res) => {
    const id = pathId(req, 'webhook');
    if (req.body !== undefined && Object.hasOwn(req.body as object, 'url')) {
      throw new ApiError('url_immutable', 'a webhook keeps its url; make a new webhook instead', [
        { field: 'url', message: 'can not be changed' },
      ]);
    }
    const { isActive, ...changes } = parseBody(bodiesFor(profileOf(res)).update, req);
    const webhook = await store.webhooks.update(projectOf(res)._id, id, {
      ...changes,
      ...(isActive === true && { isActive, disabledReason: null, failureCount: 0 }),
      ...(isActive === false && { isActive, disabledReason: 'manual' }),
    });
    if (!webhook) throw notFound('the webhook');
    answer(res, view(webhook));
  });

  router.delete('/:id', write, async (req, res) => {
    const id = pathId(req, 'webhook');
    if (!(await store.deleteWebhook(projectOf(res)._id, id))) throw notFound('the webhook');
    answer(res, { id, deleted: true });
  });

  router.post('/:id/pause', write, async (req, res) => {
    const id = pathId(req, 'webhook');
    const webhook = await store.webhooks.update(projectOf(res)._id, id, { isPaused: true });
    if (!webhook) throw notFound('the webhook');
    answer(res, view(webhook));
  });

  router.post('/:id/resume', write, async (req, res) => {
    const id = pathId(req, 'webhook');
    const webhook = await store.webhooks.update(projectOf(res)._id, id, { isPaused: false });
    if (!webhook) throw notFound('the webhook');
    await engine.startDrain(id).catch((error: unknown) => {
      log.warn({ err: error, webhookId: id }, 'drain left to reconcile');
    });
    answer(res, view(webhook));
  });

  router.get('/:id/secret', write, async (req, res) => {
    const webhook = await store.webhooks.get(projectOf(res)._id, pathId(req, 'webhook'));
    const [newest] = webhook?.secrets ?? [];
    if (!webhook || !newest) throw notFound('the webhook');
    res.set('Cache-Control', 'no-store');
    answer(res, { secret: cipher.open(newest, webhook._id) });
  });

  return router;
}
