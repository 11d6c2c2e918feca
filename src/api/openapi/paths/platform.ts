import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { PROVIDER_NAMES } from '../../../providers';
import { plainBody } from '../../platform/inbound';
import { manageBody } from '../../platform/manage';
import {
  newPlatformWebhookSchema,
  platformWebhookExample,
  platformWebhookSchema,
  receivedSchema,
} from '../../schemas/platform';
import { SECRET_EXAMPLE } from '../../schemas/webhook';
import { operation } from '../operation';

const tag = 'Platform';
const WHERE = 'Only in projects of a profile that takes e-mail providers’ events: 404 otherwise.';
const received = { description: 'Kept.', schema: receivedSchema, example: { received: true } };

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
          description: 'The webhook, with its secret when Posthorn made it.',
          schema: newPlatformWebhookSchema,
          example: { ...platformWebhookExample, secret: SECRET_EXAMPLE },
        },
      },
      errors: ['plan_not_allowed', 'webhook_limit_reached'],
    }),
  },
  '/api/webhooks': {
    post: operation({
      operationId: 'receiveProviderEvent',
      tag,
      summary: 'Take a provider’s event',
      description: `${WHERE} \`opened\`, \`clicked\`, \`bounced\` and \`unsubscribed\` become events; other types are kept.`,
      tokenInQuery: true,
      body: {
        schema: plainBody,
        examples: {
          opened: {
            type: 'opened',
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
      summary: 'Take a provider’s own payload',
      description: `${WHERE} The body is the provider’s, whose documentation describes it. Where the project has the provider’s key, its signature is verified: 401 otherwise.`,
      tokenInQuery: true,
      path: z.object({ provider: z.enum(PROVIDER_NAMES) }),
      body: {
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
    }),
  },
};
