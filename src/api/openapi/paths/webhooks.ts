import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { OPERATIONAL_TYPES } from '../../../contracts/operational';
import { profiles } from '../../../profiles';
import { EXAMPLE, id, reference } from '../../schemas/fields';
import { webhookStatsExample, webhookStatsSchema } from '../../schemas/stats';
import {
  newWebhookSchema,
  SECRET_EXAMPLE,
  secretSchema,
  webhookExample,
  updatedWebhookSchema,
  webhookDefaultsExample,
  webhookDefaultsSchema,
  webhookSchema,
} from '../../schemas/webhook';
import { statsQuery } from '../../deliveries/stats';
import { subscriptionField, webhookBodies } from '../../webhooks/webhook-body';
import { rotateBody } from '../../webhooks/webhook-secret';
import { newWebhookQuery, testBody, webhooksQuery } from '../../webhooks/webhooks';
import { data, deleted, linksTo, operation, page } from '../operation';
import { widest } from '../widest';

const tag = 'Webhooks';
const path = z.object({ id: reference('webhook') });

const bodies = webhookBodies(widest, [], {
  allowHttp: true,
  development: true,
  allowedCidrs: [],
  reader: 'platform',
});
const BY_PROJECT =
  'The project’s profile determines the event types, whether `url` must be https, and whether the caller may supply a `secret`: 422 otherwise.';

const webhook = data('The webhook.', webhookSchema, webhookExample);
const secret = data('The secret.', secretSchema, { secret: SECRET_EXAMPLE });

export const webhookPaths: ZodOpenApiPathsObject = {
  '/v1/webhooks/events/available': {
    get: operation({
      operationId: 'listAvailableEvents',
      tag,
      summary: 'Event types to subscribe to',
      description: `Also accepted: \`*\`, families such as \`email.*\`, and Posthorn’s own: ${OPERATIONAL_TYPES.map((type) => `\`${type}\``).join(', ')}.`,
      answers: {
        200: data('In the profile’s order.', z.object({ events: z.array(z.string()) }), {
          events: ['email.sent', 'email.delivered', 'email.bounced'],
        }),
      },
    }),
  },
  '/v1/webhooks/defaults': {
    get: operation({
      operationId: 'getWebhookDefaults',
      tag,
      summary: 'Defaults for webhooks',
      description: 'The project’s policy, else its profile’s; and how the profile signs.',
      answers: { 200: data('The defaults.', webhookDefaultsSchema, webhookDefaultsExample) },
    }),
  },
  '/v1/webhooks': {
    post: operation({
      operationId: 'createWebhook',
      tag,
      summary: 'Create a webhook',
      description: `${BY_PROJECT} Profiles with a ping send a sample, and return its result as \`ping\`. With \`?get_if_exists=true\` an existing webhook with the \`externalId\` is returned unchanged (200, without its secret); without it, 409.`,
      query: newWebhookQuery,
      body: {
        schema: bodies.create,
        examples: {
          ...Object.fromEntries(
            [...profiles.values()].map(({ name, events }) => [
              name,
              {
                name: 'Orders',
                url: 'https://example.com/hooks/posthorn',
                events:
                  events.length > 0 ? events.slice(0, 2).map(({ type }) => type) : ['order.*'],
              },
            ]),
          ),
          everything: {
            name: 'Big customers',
            url: 'https://example.com/hooks/big',
            events: ['*'],
            description: 'What big customers do',
            headers: { 'X-Tenant': 'acme' },
            signing: ['standard'],
            policy: { timeoutMs: 20_000, retryDelaysMs: [5000, 60_000, 600_000] },
            filter: { 'data.campaignId': { $in: ['cmp_1', 'cmp_2'] } },
          },
        },
      },
      answers: {
        200: data('The existing one with this `externalId`.', webhookSchema, webhookExample),
        201: data(
          'The webhook, with the secret that signs its deliveries, and the public key if there is one.',
          newWebhookSchema,
          { ...webhookExample, secret: SECRET_EXAMPLE },
          linksTo('data/id', [
            'getWebhook',
            'updateWebhook',
            'getWebhookSecret',
            'rotateWebhookSecret',
            'testWebhook',
            'pauseWebhook',
            'resumeWebhook',
            'getWebhookStats',
            'deleteWebhook',
          ]),
        ),
      },
      errors: ['plan_not_allowed', 'webhook_limit_reached', 'external_id_taken'],
    }),
    get: operation({
      operationId: 'listWebhooks',
      tag,
      summary: 'List webhooks',
      query: webhooksQuery,
      answers: { 200: page('webhooks', webhookSchema, webhookExample) },
    }),
  },
  '/v1/webhooks/{id}': {
    get: operation({
      operationId: 'getWebhook',
      tag,
      summary: 'Read a webhook',
      path,
      answers: { 200: webhook },
    }),
    patch: operation({
      operationId: 'updateWebhook',
      tag,
      summary: 'Change a webhook',
      description: `Omitted fields don’t change; \`policy\`, \`headers\` and \`events\` are replaced as a whole; \`events\` may repeat what the webhook has even if that event type no longer exists; \`url\` can’t be changed. \`isActive: true\` enables a disabled webhook again and resets \`failureCount\` to 0; \`skipped\` then says what was not sent meanwhile, and how to replay it. To an active one it changes nothing. \`isActive: false\` ends pending and held deliveries as \`skipped\`, at once. ${BY_PROJECT}`,
      path,
      body: {
        schema: bodies.update,
        examples: {
          enable: { isActive: true },
          subscribe: { events: ['*'], description: 'Everything' },
        },
      },
      answers: { 200: data('The changed resource.', updatedWebhookSchema, webhookExample) },
      errors: ['url_immutable', 'external_id_taken'],
    }),
    delete: operation({
      operationId: 'deleteWebhook',
      tag,
      summary: 'Delete a webhook',
      description:
        'Its deliveries stay readable; pending and held ones end as `cancelled`, at once. A portal link doesn’t delete what was disabled or paused with a key.',
      path,
      answers: { 200: deleted('id', id('webhook'), EXAMPLE.webhookId) },
    }),
  },
  '/v1/webhooks/{id}/secret': {
    get: operation({
      operationId: 'getWebhookSecret',
      tag,
      summary: 'Reveal the secret',
      path,
      answers: { 200: secret },
      errors: ['secret_unreadable'],
    }),
  },
  '/v1/webhooks/{id}/secret/rotate': {
    post: operation({
      operationId: 'rotateWebhookSecret',
      tag,
      summary: 'Rotate the secret',
      description:
        'For `overlapHours`, deliveries are signed with the old secret too, unless it can’t be decrypted any more. Some profiles accept a `secret` from the caller, which must not be live already.',
      path,
      body: {
        schema: rotateBody(widest),
        examples: { default: {}, 'at once': { overlapHours: 0 } },
      },
      answers: { 200: secret },
      errors: ['secret_limit_reached'],
    }),
  },
  '/v1/webhooks/{id}/test': {
    post: operation({
      operationId: 'testWebhook',
      tag,
      summary: 'Send test events',
      description:
        'Sends samples as ordinary deliveries, of the types that it is subscribed to or that `events` names, up to 100; or, for the types in `data`, what is given there, of which a body over 16 KiB may have 20,000 values in all. Works on a disabled webhook too.',
      path,
      body: {
        schema: testBody(subscriptionField(widest, [], 'platform')),
        examples: {
          default: {},
          'one type of autosend': { events: ['email.bounced'] },
          'own data': { data: { 'contact.deleted': { email: 'ada@example.com' } } },
        },
      },
      answers: {
        202: data(
          'The deliveries.',
          z.object({
            deliveries: z.array(z.object({ id: id('delivery'), eventType: z.string() })),
          }),
          { deliveries: [{ id: EXAMPLE.deliveryId, eventType: 'email.bounced' }] },
          linksTo('data/deliveries/0/id', [
            'getDelivery',
            'retryDelivery',
            'cancelDelivery',
            'replayDelivery',
          ]),
        ),
      },
    }),
  },
  '/v1/webhooks/{id}/pause': {
    post: operation({
      operationId: 'pauseWebhook',
      tag,
      summary: 'Pause deliveries',
      description:
        'New deliveries wait as `held`, and pending ones once their next attempt is due; nothing is lost.',
      path,
      answers: { 200: webhook },
    }),
  },
  '/v1/webhooks/{id}/resume': {
    post: operation({
      operationId: 'resumeWebhook',
      tag,
      summary: 'Resume deliveries',
      description:
        'Held deliveries are sent in the order of their events, within the webhook’s rate limit.',
      path,
      answers: { 200: webhook },
    }),
  },
  '/v1/webhooks/{id}/stats': {
    get: operation({
      operationId: 'getWebhookStats',
      tag,
      summary: 'Statistics of a webhook',
      description:
        'For the last 24 hours (by the day: 30 days; by the minute: the last hour), or a range of at most 31 days, by the minute 2 hours.',
      path,
      query: statsQuery,
      answers: { 200: data('The figures.', webhookStatsSchema, webhookStatsExample) },
    }),
  },
};
