import { z } from 'zod';
import type { OperationalType } from '../contracts/operational';
import { defineEvent } from './define-event';
import { instant } from './fields';
import type { EventTypeDefinition } from './profile';

/* The events that Posthorn creates itself, the same in every profile except for the envelope. */

const aWebhook = { webhookId: z.string(), webhookName: z.string() };

const schemas = {
  'webhook.disabled': z.strictObject({
    ...aWebhook,
    reason: z.enum(['manual', 'gone', 'consecutive_failures']),
    /** Consecutive failed attempts. */
    failureCount: z.int().min(0),
    disabledAt: instant,
  }),
  'webhook.enabled': z.strictObject({ ...aWebhook, enabledAt: instant }),
  'webhook.secret_rotated': z.strictObject({
    ...aWebhook,
    rotatedAt: instant,
    /** Until then deliveries are signed with the previous secrets too. */
    overlapEndsAt: instant,
  }),
  'delivery.failed': z.strictObject({
    ...aWebhook,
    deliveryId: z.string(),
    eventId: z.string(),
    eventType: z.string(),
    /** The number of attempts, replays included. */
    attempts: z.int().min(1),
    replays: z.int().min(0),
    /** Of the last attempt; null if there was no answer. */
    statusCode: z.int().nullable(),
    /** Of the last attempt; null if there was an answer. */
    errorCode: z.string().nullable(),
    failedAt: instant,
  }),
} satisfies Record<OperationalType, z.ZodType<Record<string, unknown>>>;

/** The `data` of an operational event. */
export type OperationalData = { [T in OperationalType]: z.output<(typeof schemas)[T]> };

const webhook = {
  webhookId: 'wh_0199a1b2c3d4e5f60718293a4b5c6d7e',
  webhookName: 'Orders',
};
const at = '2026-10-01T09:30:00.000Z';

export const operationalEvents: readonly EventTypeDefinition[] = [
  defineEvent(
    'webhook.disabled',
    'A webhook gets no more deliveries: it was disabled by a user, or because its receiver kept failing.',
    schemas['webhook.disabled'],
    { ...webhook, reason: 'consecutive_failures', failureCount: 100, disabledAt: at },
  ),
  defineEvent(
    'webhook.enabled',
    'A disabled webhook gets deliveries again.',
    schemas['webhook.enabled'],
    { ...webhook, enabledAt: at },
  ),
  defineEvent(
    'webhook.secret_rotated',
    'A webhook has a new signing secret.',
    schemas['webhook.secret_rotated'],
    { ...webhook, rotatedAt: at, overlapEndsAt: '2026-10-02T09:30:00.000Z' },
  ),
  defineEvent(
    'delivery.failed',
    'A delivery was given up after its last attempt.',
    schemas['delivery.failed'],
    {
      ...webhook,
      deliveryId: 'dlv_0199a1b2c3d4e5f60718293a4b5c6d7e',
      eventId: 'evt_0199a1b2c3d4e5f60718293a4b5c6d7e',
      eventType: 'order.created',
      attempts: 4,
      replays: 0,
      statusCode: 503,
      errorCode: null,
      failedAt: at,
    },
  ),
];
