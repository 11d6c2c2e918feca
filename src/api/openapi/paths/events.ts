import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { eventTypeBody, eventTypesQuery, MAX_TYPE_LENGTH, TYPE } from '../../events/event-types';
import { batchBody } from '../../events/body-checks';
import { eventsQuery } from '../../events/events';
import { eventBody } from '../../events/posted-event';
import { IDEMPOTENCY_KEY } from '../../events/idempotency';
import {
  acceptedEventExample,
  acceptedEventSchema,
  eventExample,
  eventSchema,
  eventTypeExample,
  eventTypeSchema,
  eventWithDeliveriesExample,
  eventWithDeliveriesSchema,
  listedEventExample,
  listedEventSchema,
} from '../../schemas/event';
import { EXAMPLE, id } from '../../schemas/fields';
import { profiles } from '../../../profiles';
import { data, deleted, operation, page } from '../operation';

const tag = 'Events';
const typePath = z.object({ type: z.string().max(MAX_TYPE_LENGTH).regex(TYPE) });
const idempotencyKey = {
  'idempotency-key': z
    .string()
    .regex(IDEMPOTENCY_KEY)
    .optional()
    .describe(
      'Looked up before the body is checked. Two bodies are the same that have the same values, in whatever order their members stand; another body under a known key is 409. In double quotes it is the same key.',
    ),
};
/** By profile: an event of its own. */
const posted = Object.fromEntries(
  [...profiles.values()].map(({ name, events: [event] }) => [
    name,
    event
      ? { type: event.type, data: event.sample }
      : { type: eventTypeExample.type, data: eventTypeExample.sample },
  ]),
);
const OWN_TYPES =
  'Only in projects whose profile lets them define types of their own: 403 otherwise.';

export const eventPaths: ZodOpenApiPathsObject = {
  '/v1/event-types': {
    get: operation({
      operationId: 'listEventTypes',
      tag,
      summary: 'List event types',
      description:
        'The profile’s in its order, then the project’s own and its catalogue’s, newest first. Of two by one name the project’s own wins.',
      query: eventTypesQuery,
      answers: { 200: page('eventTypes', eventTypeSchema, eventTypeExample) },
    }),
  },
  '/v1/event-types/{type}': {
    put: operation({
      operationId: 'defineEventType',
      tag,
      summary: 'Define an event type',
      description: `${OWN_TYPES} One of the catalogue’s is replaced for this project by its own. \`sample\` must be valid by \`schema\`, a JSON Schema 2020-12.`,
      path: typePath,
      body: {
        schema: eventTypeBody,
        examples: {
          order: {
            description: eventTypeExample.description,
            schema: eventTypeExample.schema,
            sample: eventTypeExample.sample,
          },
        },
      },
      answers: {
        200: data('Defined anew.', eventTypeSchema, eventTypeExample),
        201: data('Defined.', eventTypeSchema, eventTypeExample),
      },
    }),
    delete: operation({
      operationId: 'deleteEventType',
      tag,
      summary: 'Delete an event type',
      description: `${OWN_TYPES} Where it replaced one of the catalogue’s, that one is there again.`,
      path: typePath,
      answers: { 200: deleted('type', z.string(), 'order.paid') },
    }),
  },
  '/v1/events': {
    post: operation({
      operationId: 'postEvent',
      tag,
      summary: 'Post an event',
      description:
        'Once this is answered, the event can’t be lost. `data` must be valid by the type’s schema. `type` and `createdAt` may be given by the names of the project’s envelope too: `event`, `timestamp`; `workspaceId`, where that has it, must be this project. `createdAt` goes out as it is written. Under an `Idempotency-Key` the same body answers the first event.',
      headers: idempotencyKey,
      body: { schema: eventBody, examples: posted },
      answers: {
        202: data('Accepted.', acceptedEventSchema, acceptedEventExample, {
          getEvent: 'data/id',
        }),
      },
      errors: ['idempotency_conflict'],
    }),
    get: operation({
      operationId: 'listEvents',
      tag,
      summary: 'List events',
      description:
        '`since` and `until` go by `acceptedAt`, as the order does. Without the events’ data, unless `include=data` asks for it.',
      query: eventsQuery,
      answers: { 200: page('events', listedEventSchema, listedEventExample) },
    }),
  },
  '/v1/events/batch': {
    post: operation({
      operationId: 'postEvents',
      tag,
      summary: 'Post a batch of events',
      description:
        'All are checked first; either all of them are accepted or none. Under an `Idempotency-Key` the same body answers the first batch’s events.',
      headers: idempotencyKey,
      body: {
        schema: batchBody(eventBody),
        examples: Object.fromEntries(
          Object.entries(posted).map(([name, event]) => [name, { events: [event] }]),
        ),
      },
      answers: {
        202: data(
          'Accepted, in their order.',
          z.object({ events: z.array(acceptedEventSchema) }),
          { events: [acceptedEventExample] },
          { getEvent: 'data/events/0/id', expungeEvent: 'data/events/0/id' },
        ),
      },
      errors: ['idempotency_conflict'],
    }),
  },
  '/v1/events/{id}': {
    get: operation({
      operationId: 'getEvent',
      tag,
      summary: 'Read an event',
      path: z.object({ id: id('event') }),
      answers: {
        200: data(
          'The event and its deliveries.',
          eventWithDeliveriesSchema,
          eventWithDeliveriesExample,
        ),
      },
    }),
    delete: operation({
      operationId: 'expungeEvent',
      tag,
      summary: 'Delete an event’s payload',
      description:
        'At once and for good. Its deliveries stay, without it; pending ones end as `cancelled`.',
      path: z.object({ id: id('event') }),
      answers: {
        200: data('What is left of the event.', eventSchema, {
          ...eventExample,
          data: null,
          expungedAt: EXAMPLE.at('11:00:00'),
        }),
      },
    }),
  },
};
