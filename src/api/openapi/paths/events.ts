import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { eventTypeBody, eventTypesQuery, MAX_TYPE_LENGTH, TYPE } from '../../events/event-types';
import { batchBody } from '../../events/body-checks';
import { eventsExportQuery, eventsQuery } from '../../events/events';
import { eventBody } from '../../events/posted-event';
import { IDEMPOTENCY_KEY } from '../../events/idempotency';
import {
  acceptedEventExample,
  acceptedEventSchema,
  eventExample,
  eventSchema,
  eventTypeExample,
  eventTypeSchema,
  listedEventTypeExample,
  listedEventTypeSchema,
  eventWithDeliveriesExample,
  eventWithDeliveriesSchema,
  listedEventExample,
  listedEventSchema,
} from '../../schemas/event';
import { EXAMPLE, id } from '../../schemas/fields';
import { profiles } from '../../../profiles';
import { EXPORT, exported } from '../export';
import { data, deleted, operation, page } from '../operation';

const tag = 'Events';
const typePath = z.object({ type: z.string().max(MAX_TYPE_LENGTH).regex(TYPE) });
const idempotencyKey = {
  'idempotency-key': z
    .string()
    .regex(IDEMPOTENCY_KEY)
    .optional()
    .describe(
      'A body that was accepted under it is answered with the first event, even if it would be refused now. Two bodies are equal if they have the same values, in any order of members, and with all digits of their numbers; a different body with a known key is 409. `"key"` and `key` are the same key. `/v1/events` and `/v1/events/batch` have separate keys: the same text used on both counts as two keys.',
    ),
};
/** An example event of each profile. */
const posted = Object.fromEntries(
  [...profiles.values()].map(({ name, events: [event] }) => [
    name,
    event
      ? { type: event.type, data: event.sample }
      : { type: eventTypeExample.type, data: eventTypeExample.sample },
  ]),
);
/** The definition of an event type, by a project or for a catalogue. */
export const definition = {
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
    200: data('Redefined.', eventTypeSchema, eventTypeExample),
    201: data('Defined.', eventTypeSchema, eventTypeExample),
  },
};
const OWN_TYPES = 'Only in projects whose profile allows custom types: 403 otherwise.';

export const eventPaths: ZodOpenApiPathsObject = {
  '/v1/event-types': {
    get: operation({
      operationId: 'listEventTypes',
      tag,
      summary: 'List event types',
      description:
        'The profile’s in its order, then the project’s own and its catalogue’s, newest first. A project’s own type replaces one of the same name in its catalogue.',
      query: eventTypesQuery,
      answers: { 200: page('eventTypes', listedEventTypeSchema, listedEventTypeExample) },
    }),
  },
  '/v1/event-types/{type}': {
    put: operation({
      operationId: 'defineEventType',
      tag,
      summary: 'Define an event type',
      description: `${OWN_TYPES} It replaces the catalogue’s type of the same name for this project. \`sample\` must be valid against \`schema\`, a JSON Schema 2020-12.`,
      path: typePath,
      ...definition,
    }),
    delete: operation({
      operationId: 'deleteEventType',
      tag,
      summary: 'Delete an event type',
      description: `${OWN_TYPES} If it replaced one of the catalogue’s, that one applies again.`,
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
        'Once this is answered, the event won’t be lost. `data` must be valid against the type’s schema. `type` and `createdAt` may also be given with the names of the project’s envelope: `event`, `timestamp`; `workspaceId`, if the envelope has it, must be this project. `createdAt` is sent as written. Repeated with the same `Idempotency-Key`, the same body returns the first event.',
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
        '`since` and `until` refer to `acceptedAt`, and so does the order. Without the events’ data, unless `include=data` is given.',
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
        'All are checked first; either all of them are accepted or none. Repeated with the same `Idempotency-Key`, the same body returns the first batch’s events.',
      headers: idempotencyKey,
      body: {
        schema: batchBody(eventBody),
        examples: Object.fromEntries(
          Object.entries(posted).map(([name, event]) => [name, { events: [event] }]),
        ),
      },
      answers: {
        202: data(
          'Accepted, in order.',
          z.object({ events: z.array(acceptedEventSchema) }),
          { events: [acceptedEventExample] },
          { getEvent: 'data/events/0/id', expungeEvent: 'data/events/0/id' },
        ),
      },
      errors: ['idempotency_conflict'],
    }),
  },
  '/v1/events/export': {
    get: operation({
      operationId: 'exportEvents',
      tag,
      summary: 'Export events',
      description: EXPORT,
      query: eventsExportQuery,
      answers: { 200: exported(listedEventSchema, listedEventExample) },
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
        'Immediately and permanently. Its deliveries stay, without it; pending ones end as `cancelled`.',
      path: z.object({ id: id('event') }),
      answers: {
        200: data('The event without its payload.', eventSchema, {
          ...eventExample,
          data: null,
          expungedAt: EXAMPLE.at('11:00:00'),
        }),
      },
    }),
  },
};
