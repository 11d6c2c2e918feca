import { z } from 'zod';
import {
  ATTEMPT_ERROR_CODES,
  DEFERRAL_REASONS,
  DELIVERY_STATUSES,
  END_REASONS,
} from '../../contracts/delivery';
import { count, EXAMPLE, httpStatus, id, time } from './fields';

/** A delivery as shown in lists: of its attempts, only the result of the last one that counts. */
export const deliverySummarySchema = z
  .object({
    id: id('delivery'),
    eventId: id('event'),
    webhookId: id('webhook'),
    projectId: id('project'),
    eventType: z.string(),
    status: z.enum(DELIVERY_STATUSES),
    attemptCount: count,
    lastAttempt: z
      .object({
        number: count,
        startedAt: time,
        durationMs: z.number(),
        outcome: z.enum(['succeeded', 'failed']),
        statusCode: httpStatus.optional(),
        errorCode: z.enum(ATTEMPT_ERROR_CODES).optional(),
      })
      .nullable()
      .describe('The last of its attempts that was not superseded; null: there is none.'),
    nextAttemptAt: time.nullable(),
    endReason: z
      .enum(END_REASONS)
      .optional()
      .describe('Why it is `skipped`, or was `cancelled` because of its webhook.'),
    replays: count,
    test: z.boolean(),
    createdAt: time,
    completedAt: time.nullable(),
  })
  .meta({ id: 'DeliverySummary' });

export const deliverySummaryExample: z.infer<typeof deliverySummarySchema> = {
  id: EXAMPLE.deliveryId,
  eventId: EXAMPLE.eventId,
  webhookId: EXAMPLE.webhookId,
  projectId: EXAMPLE.projectId,
  eventType: 'email.delivered',
  status: 'pending',
  attemptCount: 1,
  lastAttempt: {
    number: 1,
    startedAt: EXAMPLE.at('09:30:00'),
    durationMs: 87,
    outcome: 'failed',
    statusCode: 503,
  },
  nextAttemptAt: EXAMPLE.at('09:31:01'),
  replays: 0,
  test: false,
  createdAt: EXAMPLE.at('09:30:00'),
  completedAt: null,
};

const headers = z.record(z.string(), z.string());

const attemptSchema = z
  .object({
    number: count,
    runId: z.string().describe('The Temporal run that it belongs to; each replay has its own.'),
    startedAt: time,
    durationMs: z.number(),
    outcome: z.enum(['succeeded', 'failed']),
    resent: z
      .literal(true)
      .optional()
      .describe(
        'The request was sent once more within this attempt, on a fresh connection: the receiver had closed the idle one that was used first, before a byte of its answer.',
      ),
    statusCode: httpStatus.optional(),
    requestHeaders: headers.describe('The sent headers, including signatures; never a secret.'),
    responseHeaders: headers.optional(),
    responseBody: z
      .string()
      .optional()
      .describe(
        'The first 16 KiB, decoded from gzip and deflate. What isn’t text is shown as `[binary, <size> bytes, in base64: …]`; above 1,024 bytes as `[binary, <size> bytes, the first 1024 in base64: …]`.',
      ),
    responseBodyCut: z
      .literal(true)
      .optional()
      .describe('The body was longer: `responseBody` is only the beginning of its text.'),
    errorCode: z.enum(ATTEMPT_ERROR_CODES).optional(),
    errorMessage: z.string().optional(),
    superseded: z
      .literal(true)
      .optional()
      .describe(
        'Another execution, or a reset, had taken over: it is only logged, and has no other effect.',
      ),
  })
  .meta({ id: 'Attempt' });

export const PENDING_REASONS = [
  'webhook_paused',
  'starting',
  'waiting_for_worker',
  'attempt_running',
  'waiting_for_retry',
  'workflow_failing',
  ...DEFERRAL_REASONS,
  'paused',
  'unknown',
] as const;

/** Why a delivery has not arrived yet. */
const pendingSchema = z
  .object({
    reason: z
      .enum(PENDING_REASONS)
      .describe(
        '`paused`: an operator has paused it in Temporal: the workflow, by a signal or as a whole, or its attempts. `message` says which, except to portal links.',
      ),
    message: z.string(),
    attempt: count.describe('The attempt that is running or comes next.'),
    nextAttemptAt: time.nullable(),
    laterDelaysMs: z
      .array(count)
      .describe(
        'The delays after the next attempt, if it fails, and after each later one; empty: the next attempt is the last.',
      ),
  })
  .meta({ id: 'PendingExplanation' });

export type PendingExplanation = z.infer<typeof pendingSchema>;

export const deliverySchema = deliverySummarySchema
  .extend({
    attempts: z
      .array(attemptSchema)
      .describe(
        'The last 50. If they exceed 256 KiB together, only the last three keep their headers and bodies.',
      ),
    workflow: z
      .object({ id: z.string(), runId: z.string().nullable(), webUrl: z.string().nullable() })
      .nullable()
      .describe('Its workflow in Temporal; null: its project’s courier delivers it.'),
  })
  .meta({ id: 'Delivery' });

export const deliveryExample: z.infer<typeof deliverySchema> = {
  ...deliverySummaryExample,
  attempts: [
    {
      number: 1,
      runId: '0192f5ab-0a00-7c1d-9e2f-3a4b5c6d7e8f',
      startedAt: EXAMPLE.at('09:30:00'),
      durationMs: 87,
      outcome: 'failed',
      statusCode: 503,
      requestHeaders: {
        'content-type': 'application/json',
        'x-webhook-event': 'email.delivered',
        'x-webhook-delivery-id': EXAMPLE.deliveryId,
        'x-webhook-timestamp': '1790847000000',
        'x-webhook-signature': 'b3f1a2…',
      },
      responseHeaders: { 'content-type': 'text/plain' },
      responseBody: 'come back later',
    },
  ],
  workflow: {
    id: `delivery/${EXAMPLE.deliveryId}`,
    runId: '0192f5ab-0a00-7c1d-9e2f-3a4b5c6d7e8f',
    webUrl: null,
  },
};

export const explainedDeliverySchema = deliverySchema
  .extend({ pending: pendingSchema.optional().describe('Why it has not arrived yet.') })
  .meta({ id: 'ExplainedDelivery' });

export const explainedDeliveryExample: z.infer<typeof explainedDeliverySchema> = {
  ...deliveryExample,
  pending: {
    reason: 'waiting_for_retry',
    message:
      'attempt 2 waits until 2026-10-01T09:31:01.000Z because attempt 1 failed with status 503',
    attempt: 2,
    nextAttemptAt: EXAMPLE.at('09:31:01'),
    laterDelaysMs: [300_000, 900_000],
  },
};
