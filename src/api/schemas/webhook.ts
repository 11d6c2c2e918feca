import { z } from 'zod';
import { ATTEMPT_ERROR_CODES, BACKLOG_ORDERS, SIGNING_SCHEMES } from '../../contracts/delivery';
import { CHANGED_BY } from '../../domain/changed-by';
import { HEALTH_STATES } from '../../domain/webhook-health';
import { count, EXAMPLE, externalId, httpStatus, id, shownPolicy, time } from './fields';

export const healthSchema = z.object({
  state: z
    .enum(HEALTH_STATES)
    .describe(
      '`failing`: its last attempt failed. If several apply, `disabled` takes precedence over `paused`, and `paused` over `failing`.',
    ),
  since: time.optional().describe('If known.'),
  reason: z.string().optional().describe('Why it is not healthy, in words.'),
  remedy: z
    .string()
    .optional()
    .describe('What to do about it; through a portal link, what the customer can do.'),
});

export const disabledBySchema = z
  .enum(CHANGED_BY)
  .nullable()
  .describe(
    'Who disabled it by a request: `platform`, with a key, or `customer`, through a portal link. A portal link can’t enable a webhook that was disabled with a key.',
  );

export const webhookSchema = z
  .object({
    id: id('webhook'),
    projectId: id('project'),
    externalId,
    name: z.string(),
    description: z.string().nullable(),
    url: z.string(),
    events: z.array(z.string()).describe('Event types, families such as `email.*`, or `*`.'),
    isActive: z.boolean(),
    isPaused: z.boolean(),
    disabledReason: z.enum(['manual', 'gone', 'consecutive_failures']).nullable(),
    disabledBy: disabledBySchema,
    pausedBy: z.enum(CHANGED_BY).nullable().describe('Who paused it, in the same terms.'),
    failureCount: count.describe('Failed attempts in a row.'),
    lastSuccessAt: time.nullable(),
    lastFailedAt: time.nullable(),
    lastStatus: z
      .union([httpStatus, z.string()])
      .nullable()
      .describe('The last attempt’s HTTP status, or its error code if there was no answer.'),
    health: healthSchema.describe('Its state, and what to do about it.'),
    signing: z.array(z.enum(SIGNING_SCHEMES)),
    policy: z.object(shownPolicy),
    headers: z
      .record(z.string(), z.string())
      .nullable()
      .describe(
        'Headers that are sent with each attempt; null if they can’t be decrypted: set them again.',
      ),
    filter: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        'Which events it gets, by a query over their envelope. An event that would take over 200,000 steps to evaluate passes ([the guide](docs/guide-webhooks.md)).',
      ),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Webhook' });

export const webhookExample: z.infer<typeof webhookSchema> = {
  id: EXAMPLE.webhookId,
  projectId: EXAMPLE.projectId,
  externalId: null,
  name: 'Orders',
  description: null,
  url: 'https://example.com/hooks/posthorn',
  events: ['email.delivered', 'email.bounced'],
  isActive: true,
  isPaused: false,
  disabledReason: null,
  disabledBy: null,
  pausedBy: null,
  failureCount: 0,
  lastSuccessAt: EXAMPLE.at('09:30:01'),
  lastFailedAt: null,
  lastStatus: 200,
  health: { state: 'healthy' },
  signing: ['hex'],
  policy: {},
  headers: {},
  filter: null,
  createdAt: EXAMPLE.at('09:10:00'),
  updatedAt: EXAMPLE.at('09:10:00'),
};

/** What applies to a webhook that doesn't set it. */
export const webhookDefaultsSchema = z
  .object({
    signing: z.array(z.enum(SIGNING_SCHEMES)),
    policy: z.object({
      timeoutMs: count,
      retryDelaysMs: z.array(count).readonly(),
      autoDisableAfter: count.nullable(),
      ratePerSecond: z.number().nullable(),
      backlogOrder: z.enum(BACKLOG_ORDERS),
    }),
    acceptsSecret: z.boolean().describe('Whether the caller may give the `secret`.'),
    pingType: z
      .string()
      .nullable()
      .describe(
        'The type of the event that a webhook is sent when it is created; null: none. It can’t be posted or subscribed to.',
      ),
  })
  .meta({ id: 'WebhookDefaults' });

export const webhookDefaultsExample: z.infer<typeof webhookDefaultsSchema> = {
  signing: ['hex'],
  policy: {
    timeoutMs: 10_000,
    retryDelaysMs: [60_000, 300_000, 900_000],
    autoDisableAfter: null,
    ratePerSecond: null,
    backlogOrder: 'oldest_first',
  },
  acceptsSecret: false,
  pingType: null,
};

export const updatedWebhookSchema = webhookSchema
  .extend({
    skipped: z
      .object({
        count: z
          .int()
          .describe(
            'Its deliveries that ended as `skipped` since it was enabled last; at most 100,000 are counted.',
          ),
        replay: z
          .object({
            webhookId: id('webhook'),
            statuses: z.array(z.literal('skipped')),
            since: time,
            until: time,
            endedSince: time.optional(),
          })
          .nullable()
          .describe('The body for `POST /v1/replays` that sends them; null if there are none.'),
      })
      .optional()
      .describe(
        'Only if this request enabled the webhook: what was not sent while it was disabled. Also missing if that could not be counted in time.',
      ),
  })
  .meta({ id: 'UpdatedWebhook' });

const pingSchema = z
  .object({
    outcome: z.enum(['succeeded', 'failed', 'pending']),
    statusCode: httpStatus.optional(),
    errorCode: z.enum(ATTEMPT_ERROR_CODES).optional(),
  })
  .describe(
    'The result of the test ping, if the profile sends one. `pending`: the attempt did not end in time, the webhook was deleted in the meantime, or ten pings of the project were already in progress; the delivery shows the result.',
  );

export type PingResult = z.infer<typeof pingSchema>;

export const secretSchema = z
  .object({
    secret: z.string(),
    publicKey: z
      .string()
      .optional()
      .describe(
        'If the webhook signs with `standard-ed25519`: what its receivers verify with, `whpk_` and base64.',
      ),
  })
  .meta({ id: 'Secret' });

export const newWebhookSchema = webhookSchema
  .extend({ ...secretSchema.shape, ping: pingSchema.optional() })
  .meta({ id: 'NewWebhook' });

export const SECRET_EXAMPLE = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
