import { z } from 'zod';
import { deliverySummaryExample, deliverySummarySchema } from './delivery';
import { EVENT_TYPE_SOURCES } from '../events/event-catalog';
import { EXAMPLE, id, time } from './fields';

const happenedAt = time.describe(
  'When it happened, according to the caller, or when it was accepted.',
);

export const acceptedEventSchema = z
  .object({
    id: id('event'),
    type: z.string(),
    createdAt: happenedAt,
    duplicate: z
      .boolean()
      .describe('The Idempotency-Key was already used: this is the first event.'),
  })
  .meta({ id: 'AcceptedEvent' });

export const acceptedEventExample: z.infer<typeof acceptedEventSchema> = {
  id: EXAMPLE.eventId,
  type: 'email.delivered',
  createdAt: EXAMPLE.at('09:30:00'),
  duplicate: false,
};

export const eventSchema = z
  .object({
    id: id('event'),
    projectId: id('project'),
    type: z.string(),
    createdAt: happenedAt,
    acceptedAt: time,
    test: z.boolean().describe('A requested sample, not something that happened.'),
    data: z.record(z.string(), z.unknown()).nullable().describe('null: it was deleted.'),
    expungedAt: time.nullable().describe('When its data was deleted.'),
  })
  .meta({ id: 'Event' });

/** An event as shown in lists. */
export const listedEventSchema = eventSchema
  .extend({
    data: eventSchema.shape.data
      .optional()
      .describe('Only with `include=data`; null: it was deleted.'),
  })
  .meta({ id: 'ListedEvent' });

export const eventExample: z.infer<typeof eventSchema> = {
  id: EXAMPLE.eventId,
  projectId: EXAMPLE.projectId,
  type: 'email.delivered',
  createdAt: EXAMPLE.at('09:30:00'),
  acceptedAt: EXAMPLE.at('09:30:02'),
  test: false,
  data: {
    emailId: '66f2a1b3c4d5e6f708192a4c',
    from: 'Acme <billing@acme.example>',
    to: { email: 'jane.doe@example.com', name: 'Jane Doe' },
    subject: 'Your receipt from Acme',
    test: false,
  },
  expungedAt: null,
};

const { data: _data, ...listed } = eventExample;
export const listedEventExample: z.infer<typeof listedEventSchema> = listed;

export const eventWithDeliveriesSchema = eventSchema
  .extend({
    body: z
      .string()
      .nullable()
      .describe('What its deliveries send, byte for byte; null: it was deleted.'),
    deliveries: z.array(deliverySummarySchema).describe('The newest 1,000, oldest first.'),
    deliveriesCursor: z
      .string()
      .optional()
      .describe(
        'There are older ones: `GET /v1/deliveries` with this `cursor` and the `eventId` lists them.',
      ),
  })
  .meta({ id: 'EventWithDeliveries' });

export const eventWithDeliveriesExample: z.infer<typeof eventWithDeliveriesSchema> = {
  ...eventExample,
  body: JSON.stringify({
    type: eventExample.type,
    createdAt: eventExample.createdAt,
    data: eventExample.data,
  }),
  deliveries: [deliverySummaryExample],
};

export const eventTypeSchema = z
  .object({
    type: z.string(),
    description: z.string(),
    schema: z.record(z.string(), z.unknown()).describe('JSON Schema 2020-12 of `data`.'),
    sample: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'EventType' });

/** An event type as a project has it. */
export const listedEventTypeSchema = eventTypeSchema
  .extend({
    source: z
      .enum(EVENT_TYPE_SOURCES)
      .describe(
        'Where it is defined: in the profile, where it can’t be changed; in the project, which can change and delete it; or in the catalogue, which the project can override.',
      ),
  })
  .meta({ id: 'ListedEventType' });

export const catalogSchema = z
  .object({ name: z.string(), eventTypes: z.int().describe('How many it has.') })
  .meta({ id: 'Catalog' });

export const eventTypeExample: z.infer<typeof eventTypeSchema> = {
  type: 'order.paid',
  description: 'An order was paid.',
  schema: {
    type: 'object',
    properties: { orderId: { type: 'string' }, total: { type: 'number' } },
    required: ['orderId', 'total'],
    additionalProperties: false,
  },
  sample: { orderId: 'ord_1042', total: 49.9 },
};

export const listedEventTypeExample: z.infer<typeof listedEventTypeSchema> = {
  ...eventTypeExample,
  source: 'project',
};
