import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { PROVIDER_NAMES } from '../../../providers';
import { IDEMPOTENCY_KEY } from '../../events/idempotency';
import { plainBody } from '../../platform/inbound';
import { manageBody, manageChanges, manageReplacement } from '../../platform/manage';
import {
  newPlatformWebhookSchema,
  platformWebhookExample,
  platformWebhookSchema,
  receivedSchema,
} from '../../schemas/platform';
import {
  reportExample,
  reportSchema,
  reportWithPayloadExample,
  reportWithPayloadSchema,
} from '../../schemas/report';
import { id, reference } from '../../schemas/fields';
import { SECRET_EXAMPLE } from '../../schemas/webhook';
import { reportsQuery } from '../../platform/reports';
import { data, operation, page } from '../operation';

const tag = 'Platform';
const WHERE = 'Only in projects of a profile that accepts e-mail providers’ events: 404 otherwise.';
const received = { description: 'Kept.', schema: receivedSchema, example: { received: true } };

const webhookPath = z.object({ id: reference('webhook') });
const shown = {
  description: 'The webhook.',
  schema: platformWebhookSchema,
  example: platformWebhookExample,
};
const KEPT =
  '`url` and `secret` may be repeated, but not changed: a webhook keeps its URL, and its secret is rotated by `POST /v1/webhooks/{id}/secret/rotate`. `events` as they are shown leave the subscriptions as they are; those to Posthorn’s own events, which are not shown, always stay.';

export const platformPaths: ZodOpenApiPathsObject = {
  '/api/webhooks/manage': {
    get: operation({
      operationId: 'listPlatformWebhooks',
      tag,
      summary: 'List webhooks in the platform’s form',
      description: WHERE,
      tokenInQuery: true,
      answers: {
        200: {
          description: 'All of them.',
          schema: z.object({ webhooks: z.array(platformWebhookSchema) }),
          example: { webhooks: [platformWebhookExample] },
        },
      },
    }),
    post: operation({
      operationId: 'createPlatformWebhook',
      tag,
      summary: 'Create a webhook in the platform’s form',
      description: WHERE,
      tokenInQuery: true,
      body: {
        schema: manageBody,
        examples: {
          default: { url: 'https://example.com/hooks/posthorn', events: 'open,click' },
        },
      },
      answers: {
        201: {
          description: 'The webhook, with its secret if Posthorn generated it.',
          schema: newPlatformWebhookSchema,
          example: { ...platformWebhookExample, secret: SECRET_EXAMPLE },
        },
      },
      errors: ['plan_not_allowed', 'webhook_limit_reached'],
    }),
  },
  '/api/webhooks/manage/{id}': {
    get: operation({
      operationId: 'getPlatformWebhook',
      tag,
      summary: 'Read a webhook in the platform’s form',
      description: WHERE,
      tokenInQuery: true,
      path: webhookPath,
      answers: { 200: shown },
    }),
    put: operation({
      operationId: 'replacePlatformWebhook',
      tag,
      summary: 'Replace a webhook in the platform’s form',
      description: `${WHERE} ${KEPT}`,
      tokenInQuery: true,
      path: webhookPath,
      body: {
        schema: manageReplacement,
        examples: {
          default: { url: platformWebhookExample.url, events: 'open,click', active: true },
        },
      },
      answers: { 200: shown },
      errors: ['url_immutable'],
    }),
    patch: operation({
      operationId: 'updatePlatformWebhook',
      tag,
      summary: 'Change a webhook in the platform’s form',
      description: `${WHERE} Omitted fields don’t change. ${KEPT}`,
      tokenInQuery: true,
      path: webhookPath,
      body: { schema: manageChanges, examples: { events: { events: 'open,click' } } },
      answers: { 200: shown },
      errors: ['url_immutable'],
    }),
    delete: operation({
      operationId: 'deletePlatformWebhook',
      tag,
      summary: 'Delete a webhook',
      description: WHERE,
      tokenInQuery: true,
      path: webhookPath,
      answers: {
        200: {
          description: 'It is deleted.',
          schema: z.object({ id: id('webhook'), deleted: z.literal(true) }),
          example: { id: platformWebhookExample.id, deleted: true },
        },
      },
    }),
  },
  '/api/webhooks': {
    post: operation({
      operationId: 'receiveProviderEvent',
      tag,
      summary: 'Receive a provider’s event',
      description: `${WHERE} \`email.opened\`, \`opened\`, \`email.open\` and \`open\` in any case, and the same for click, bounce and unsubscribe, become events; other types are stored. \`GET /v1/reports\` shows the result.`,
      tokenInQuery: true,
      headers: {
        'idempotency-key': z
          .string()
          .regex(IDEMPOTENCY_KEY)
          .optional()
          .describe(
            'The id of the report: a repetition with the same key and `type` changes nothing. `"key"` and `key` are the same key.',
          ),
      },
      body: {
        schema: plainBody,
        examples: {
          opened: {
            type: 'email.opened',
            email_id: 'em_66f2a1b3c4d5',
            recipient: 'jane.doe@example.com',
            timestamp: '2026-10-01T09:30:00Z',
          },
        },
      },
      answers: { 200: received },
    }),
  },
  '/api/webhooks/{provider}': {
    post: operation({
      operationId: 'receiveNativeEvent',
      tag,
      summary: 'Receive a provider’s native payload',
      description: `${WHERE} The body is as documented by the provider. If the project has the provider’s key, the signature is verified: 401 otherwise. Each report of a batch is processed separately: one that can’t be read is stored and doesn’t affect the others.`,
      tokenInQuery: true,
      path: z.object({ provider: z.enum(PROVIDER_NAMES) }),
      body: {
        required: true,
        schema: z.union([
          z.record(z.string(), z.unknown()),
          z.array(z.record(z.string(), z.unknown())),
        ]),
        examples: {
          resend: {
            type: 'email.opened',
            created_at: '2026-10-01T09:30:00.000Z',
            data: { email_id: 'em_66f2a1b3c4d5', to: ['jane.doe@example.com'] },
          },
        },
      },
      answers: { 200: received },
      errors: ['secret_unreadable'],
    }),
  },
  '/v1/reports': {
    get: operation({
      operationId: 'listReports',
      tag,
      summary: 'List what providers reported',
      description: 'All reports, and what happened to each.',
      query: reportsQuery,
      answers: { 200: page('reports', reportSchema, reportExample) },
    }),
  },
  '/v1/reports/{id}': {
    get: operation({
      operationId: 'getReport',
      tag,
      summary: 'Read a report',
      path: z.object({ id: id('report') }),
      answers: {
        200: data('The report as received.', reportWithPayloadSchema, reportWithPayloadExample),
      },
    }),
  },
};
