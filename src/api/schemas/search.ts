import { z } from 'zod';
import { count, EXAMPLE, id, time } from './fields';

const SEARCHED_KINDS = [
  'project',
  'key',
  'webhook',
  'event',
  'delivery',
  'replay',
  'report',
  'audit',
] as const;

const resultSchema = z
  .object({
    kind: z.enum(SEARCHED_KINDS).describe('What it is.'),
    id: z.string(),
    projectId: id('project')
      .nullable()
      .describe('The project that it belongs to; null: none, for entries of the audit only.'),
    title: z.string().describe('Its name, or what it is about.'),
    url: z.string().optional().describe('Where a webhook’s deliveries are sent.'),
    path: z.string().describe('Where the API shows it.'),
    matched: z
      .enum(['id', 'externalId', 'idempotencyKey', 'name', 'url', 'data'])
      .describe('What the search has found in it.'),
    status: z
      .string()
      .optional()
      .describe(
        'The state of a delivery or a bulk replay; of a webhook `active`, `paused` or `disabled`.',
      ),
    createdAt: time,
  })
  .meta({ id: 'SearchResult' });
export type SearchResult = z.infer<typeof resultSchema>;

const scannedSchema = z
  .object({
    since: time.describe('Events accepted from this time on were looked at.'),
    until: time.describe('Events accepted before this time were looked at.'),
    events: count.describe('How many were looked at.'),
    bytes: count.describe('Their size.'),
    isComplete: z
      .boolean()
      .describe('false: it has stopped before `since` of the request; continue with `nextCursor`.'),
  })
  .meta({ id: 'ScannedEvents' });
export type Scanned = z.infer<typeof scannedSchema>;

export const searchSchema = z
  .object({
    results: z
      .array(resultSchema)
      .describe(
        'What was found: ids in the order of the text; events of an `Idempotency-Key`, the oldest first, and then webhooks, the newest first; events by their data, the newest first.',
      ),
    nextCursor: z
      .string()
      .nullable()
      .describe('The `cursor` with which the search continues; null: there is no more.'),
    scanned: scannedSchema
      .nullable()
      .describe(
        'How far a search by a field of events’ data has looked; null: it was another one.',
      ),
  })
  .meta({ id: 'Search' });

export const searchExample: z.infer<typeof searchSchema> = {
  results: [
    {
      kind: 'event',
      id: EXAMPLE.eventId,
      projectId: EXAMPLE.projectId,
      title: 'email.delivered',
      path: `/v1/events/${EXAMPLE.eventId}`,
      matched: 'data',
      createdAt: EXAMPLE.at('09:30:02'),
    },
  ],
  nextCursor: null,
  scanned: {
    since: EXAMPLE.at('09:00:00'),
    until: EXAMPLE.at('10:00:00'),
    events: 1042,
    bytes: 512_000,
    isComplete: true,
  },
};
