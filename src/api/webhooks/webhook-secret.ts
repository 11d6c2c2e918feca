import { Router } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { ed25519PublicKey, generateSecret, isSameKey } from '../../delivery/signing';
import { HOUR_MS } from '../../domain/durations';
import { getProfile, type Profile } from '../../profiles';
import { ifReadable } from '../../store/cipher';
import { insertOperational } from '../../store/operational-events';
import { MAX_LIVE_SECRETS } from '../../store/webhooks';
import type { WebhookRecord } from '../../store/webhook-record';
import { answer } from '../http/answers';
import { audited } from '../http/audited';
import { allow, projectOf } from '../http/auth';
import { invalid, notFound, refusal } from '../http/errors';
import { resourceInPath } from '../http/resource-in-path';
import type { secretSchema } from '../schemas/webhook';
import { parseBody, pathId } from '../http/validation';
import { secretField } from './webhook-body';
import type { WebhookParts } from './webhook-update';

export const rotateBody = (profile: Profile) =>
  z.strictObject({
    overlapHours: z.number().min(0).max(168).default(24),
    secret: secretField(profile),
  });

/** The secret, and its public key if the webhook signs with one. */
export function secretView(
  { signing }: Pick<WebhookRecord, 'signing'>,
  secret: string,
  { secretFormat }: Profile,
): z.infer<typeof secretSchema> {
  return {
    secret,
    ...(signing.includes('standard-ed25519') && {
      publicKey: ed25519PublicKey(secret, secretFormat),
    }),
  };
}

/** `/v1/webhooks/:id/secret`; it gets `:id` from its parent router. */
export function webhookSecretRouter(deps: WebhookParts): Router {
  const { store, cipher, intake } = deps;
  const router = Router({ mergeParams: true });
  router.use(allow('owner'));

  router.get('/', audited('webhook.secret_revealed'), async (req, res) => {
    const project = projectOf(res);
    const webhook = await resourceInPath(req, res, 'webhook', store.webhooks);
    // It has one, always.
    const secret = cipher.open(webhook.secrets[0]!, webhook._id);
    answer(res, secretView(webhook, secret, getProfile(project.profile)));
  });

  router.post('/rotate', audited('webhook.secret_rotated'), async (req, res) => {
    const project = projectOf(res);
    const id = pathId(req, 'webhook');
    const profile = getProfile(project.profile);
    const { overlapHours, secret = generateSecret(profile.secretFormat) } = parseBody(
      rotateBody(profile),
      req,
    );
    const now = clock.now();
    const endsAt = new Date(now.getTime() + overlapHours * HOUR_MS);
    const sealed = cipher.seal(secret, id);
    const done = await store.transaction(async (session) => {
      const before = await store.webhooks.get(project._id, id, session);
      const unreadable: string[] = [];
      for (const old of before?.secrets ?? []) {
        if (old.expiresAt && old.expiresAt <= now) continue;
        const known = ifReadable(() => cipher.open(old, id));
        if (known === null) unreadable.push(old.box);
        else if (isSameKey(known, secret, profile.secretFormat))
          throw invalid([{ field: 'secret', message: 'is already one of its live secrets' }]);
      }
      const rotated = await store.webhooks.rotateSecret(
        project._id,
        id,
        sealed,
        { now, endsAt, unreadable },
        session,
      );
      if (!rotated) return null;
      const webhook = await store.webhooks.get(project._id, id, session);
      if (!webhook) return null;
      const period = { rotatedAt: now.toISOString(), overlapEndsAt: endsAt.toISOString() };
      const events = await insertOperational(
        store,
        project,
        webhook,
        'webhook.secret_rotated',
        period,
        session,
      );
      return { webhook, events };
    });
    if (!done) {
      if (!(await store.webhooks.get(project._id, id))) throw notFound('the webhook');
      throw refusal('secret_limit_reached', { max: MAX_LIVE_SECRETS });
    }
    intake.startAll(done.events);
    answer(res, secretView(done.webhook, secret, profile));
  });

  return router;
}
