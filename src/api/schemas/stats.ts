import { z } from 'zod';
import { DELIVERY_STATUSES } from '../../contracts/delivery';
import { STATUS_CLASSES } from '../../domain/tally';
import { count, EXAMPLE, httpStatus, id, time } from './fields';
import { disabledBySchema, healthSchema } from './webhook';

const latency = z.number().nullable();

const figures = z.object({
  deliveries: z.record(z.enum(['total', ...DELIVERY_STATUSES]), count),
  successRate: z
    .number()
    .nullable()
    .describe('The share of succeeded ones among those that succeeded or failed, 0–1.'),
  attempts: z.object({ total: count, succeeded: count, failed: count }),
  statusClasses: z
    .record(z.enum(STATUS_CLASSES), count)
    .describe(
      'Attempts by the class of their HTTP status; `other`: 600 to 999; `none`: there was no answer.',
    ),
  latencyMs: z.object({ p50: latency, p90: latency, p99: latency }),
});

const begin = time.describe('When it starts.');
const countedAt = time.describe(
  'Everything up to this time is counted: up to the present, unless many older deliveries keep changing.',
);
/** By the interval. */
const intervals = <T extends z.ZodRawShape>(shown: z.ZodObject<T>) => ({
  days: z
    .array(shown.extend({ day: begin }))
    .optional()
    .describe('Only with `interval=day`: the days, in UTC. The first and the last may be partial.'),
  hours: z
    .array(shown.extend({ hour: begin }))
    .optional()
    .describe('Not with `interval=day`.'),
  minutes: z
    .array(shown.extend({ minute: begin }))
    .optional()
    .describe('Only with `interval=minute`.'),
});

export const webhookStatsSchema = figures
  .extend({
    since: time,
    until: time,
    countedAt,
    ...intervals(figures),
  })
  .meta({ id: 'WebhookStats' });

const projectFigures = figures.extend({
  events: z.object({ accepted: count.describe('How many events were accepted.') }),
});

export const projectStatsSchema = projectFigures
  .extend({
    since: time,
    until: time,
    countedAt,
    ...intervals(projectFigures),
    oldestPending: z
      .object({
        id: id('delivery'),
        webhookId: id('webhook'),
        eventType: z.string(),
        createdAt: time,
        nextAttemptAt: time.nullable(),
      })
      .nullable()
      .describe('The oldest delivery that has not ended and is not held, whenever it was created.'),
    oldestDue: z
      .object({
        deliveryId: id('delivery')
          .nullable()
          .describe('The delivery. null: those of the event are not planned yet.'),
        eventId: id('event'),
        eventType: z.string(),
        dueAt: time.describe('When the attempt was due, or when the event was accepted.'),
      })
      .nullable()
      .describe(
        'What has been due for longest: a pending delivery, or an accepted event whose deliveries are not planned yet. What waits in the queue, because of a rate limit or in a bulk replay, is not due. null: nothing is due.',
      ),
    failingWebhooks: z
      .object({
        count: count.describe('How many there are.'),
        webhooks: z
          .array(
            z.object({
              id: id('webhook'),
              name: z.string(),
              isActive: z.boolean(),
              disabledReason: z.enum(['manual', 'gone', 'consecutive_failures']).nullable(),
              disabledBy: disabledBySchema,
              failureCount: count.describe('Failed attempts in a row.'),
              lastStatus: z
                .union([httpStatus, z.string()])
                .nullable()
                .describe('The last attempt’s HTTP status, or its error code.'),
              lastFailedAt: time.nullable(),
              ...healthSchema.shape,
            }),
          )
          .describe('The first five: disabled ones, then those with the most failures.'),
      })
      .describe(
        'Webhooks whose `health` is `failing`, or that were disabled because their attempts had failed.',
      ),
  })
  .meta({ id: 'Stats' });

const counted: z.infer<typeof figures> = {
  deliveries: {
    total: 120,
    pending: 1,
    succeeded: 117,
    failed: 2,
    skipped: 0,
    held: 0,
    cancelled: 0,
  },
  successRate: 117 / 119,
  attempts: { total: 126, succeeded: 117, failed: 9 },
  statusClasses: { '2xx': 117, '3xx': 0, '4xx': 0, '5xx': 8, other: 0, none: 1 },
  latencyMs: { p50: 84, p90: 190, p99: 612 },
};
const events = { accepted: 60 };

const range = {
  since: EXAMPLE.at('09:00:00'),
  until: EXAMPLE.at('10:00:00'),
  countedAt: EXAMPLE.at('10:05:00'),
};

export const webhookStatsExample: z.infer<typeof webhookStatsSchema> = {
  ...range,
  ...counted,
  hours: [{ hour: EXAMPLE.at('09:00:00'), ...counted }],
};

export const projectStatsExample: z.infer<typeof projectStatsSchema> = {
  ...range,
  ...counted,
  events,
  hours: [{ hour: EXAMPLE.at('09:00:00'), ...counted, events }],
  oldestPending: {
    id: EXAMPLE.deliveryId,
    webhookId: EXAMPLE.webhookId,
    eventType: 'email.delivered',
    createdAt: EXAMPLE.at('09:58:00'),
    nextAttemptAt: EXAMPLE.at('10:03:20'),
  },
  oldestDue: {
    deliveryId: EXAMPLE.deliveryId,
    eventId: EXAMPLE.eventId,
    eventType: 'email.delivered',
    dueAt: EXAMPLE.at('10:03:20'),
  },
  failingWebhooks: {
    count: 1,
    webhooks: [
      {
        id: EXAMPLE.webhookId,
        name: 'Orders',
        isActive: true,
        disabledReason: null,
        disabledBy: null,
        failureCount: 3,
        lastStatus: 503,
        lastFailedAt: EXAMPLE.at('09:58:20'),
        state: 'failing',
        since: EXAMPLE.at('09:53:10'),
        reason: '3 attempts in a row failed, the last with status 503',
        remedy: 'see the receiver’s log for what went wrong there',
      },
    ],
  },
};
