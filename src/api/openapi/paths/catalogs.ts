import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { CATALOG, catalogsQuery, catalogTypesQuery } from '../../projects/catalogs';
import { MAX_TYPE_LENGTH, TYPE } from '../../events/event-types';
import { catalogSchema, eventTypeExample, eventTypeSchema } from '../../schemas/event';
import { data, deleted, operation, page } from '../operation';
import { definition } from './events';

const tag = 'Catalogs';
const catalogPath = { name: z.string().regex(CATALOG) };
const path = z.object({
  ...catalogPath,
  type: z.string().max(MAX_TYPE_LENGTH).regex(TYPE),
});
const ADMIN = 'The admin key only.';

export const catalogPaths: ZodOpenApiPathsObject = {
  '/v1/catalogs': {
    get: operation({
      operationId: 'listCatalogs',
      tag,
      summary: 'List catalogues',
      description: `${ADMIN} Ordered by name.`,
      query: catalogsQuery,
      answers: { 200: page('catalogs', catalogSchema, { name: 'acme', eventTypes: 12 }) },
    }),
  },
  '/v1/catalogs/{name}/event-types': {
    get: operation({
      operationId: 'listCatalogEventTypes',
      tag,
      summary: 'List a catalogue’s event types',
      description: ADMIN,
      path: z.object(catalogPath),
      query: catalogTypesQuery,
      answers: { 200: page('eventTypes', eventTypeSchema, eventTypeExample) },
    }),
  },
  '/v1/catalogs/{name}/event-types/{type}': {
    get: operation({
      operationId: 'getCatalogEventType',
      tag,
      summary: 'Read an event type of a catalogue',
      description: ADMIN,
      path,
      answers: { 200: data('The event type.', eventTypeSchema, eventTypeExample) },
    }),
    put: operation({
      operationId: 'defineCatalogEventType',
      tag,
      summary: 'Define an event type of a catalogue',
      description: `${ADMIN} The first type creates the catalogue. From the next event on, it applies to every project that uses the catalogue. \`sample\` must be valid against \`schema\`, a JSON Schema 2020-12.`,
      path,
      ...definition,
    }),
    delete: operation({
      operationId: 'deleteCatalogEventType',
      tag,
      summary: 'Delete an event type of a catalogue',
      description: `${ADMIN} Projects that use the catalogue lose the type; subscriptions to it stay, and get events again once it is defined again. Deleting the last type deletes the catalogue.`,
      path,
      answers: { 200: deleted('type', z.string(), 'order.paid') },
    }),
  },
};
