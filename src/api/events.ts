import { createHash } from 'node:crypto';
import { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { newId } from '../contracts/ids';
import { getProfile } from '../profiles';
import type { EventRecord } from '../store/events';
import type { ProjectRecord } from '../store/projects';
import type { Store } from '../store/store';
import type { Engine } from '../temporal/client';
import { answer, answerPage } from './answers';
import { allow, projectOf } from './auth';
import { ApiError, invalid, notFound } from './errors';
import { viewInEvent } from './deliveries';
import { pageQuery, parseBody, parseListQuery, pathId, problemsOf, rangeQuery } from './validation';

export interface EventsDependencies {
  store: Store;
  engine: Engine;
  log: Logger;
  /** Days that an event is kept. */
  retentionDays: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Clocks differ; an event from further ahead than this is a mistake. */
const MAX_AHEAD_MS = 5 * 60 * 1000;
const OLDEST = Date.parse('2000-01-01T00:00:00Z');

const eventBody = z.strictObject({
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  createdAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .refine(
      (date) => date.getTime() >= OLDEST && date.getTime() <= Date.now() + MAX_AHEAD_MS,
      'must lie between 2000-01-01 and five minutes from now',
    )
    .optional(),
});
const listQuery = z.strictObject({
  ...pageQuery('event'),
  ...rangeQuery,
  type: z.string().optional(),
});
/** Visible ASCII, as other APIs take it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

function view({ _id, projectId, type, createdAt, body }: EventRecord): Record<string, unknown> {
  const { data } = JSON.parse(body) as { data: unknown };
  return { id: _id, projectId, type, createdAt, data };
}

/** The event to store: checked against its type's schema, its body serialised once and for all. */
function toRecord(
  project: ProjectRecord,
  { type, data, createdAt }: z.output<typeof eventBody>,
  retentionDays: number,
): Omit<EventRecord, 'fannedOutAt'> {
  const profile = getProfile(project.profile);
  const definition = profile.events.find((event) => event.type === type);
  if (!definition) {
    throw invalid([{ field: 'type', message: 'is no event type of this project' }]);
  }
  const parsed = definition.data.safeParse(data);
  if (!parsed.success) throw invalid(problemsOf(parsed.error, ['data']));
  const acceptedAt = new Date();
  const happenedAt = createdAt ?? acceptedAt;
  return {
    _id: newId('event'),
    projectId: project._id,
    type,
    createdAt: happenedAt,
    acceptedAt,
    body: JSON.stringify(
      profile.envelope({ projectId: project._id, type, createdAt: happenedAt.toISOString(), data }),
    ),
    expiresAt: new Date(acceptedAt.getTime() + retentionDays * DAY_MS),
  };
}

/** `/v1/events` */
export function eventsRouter({ store, engine, log, retentionDays }: EventsDependencies): Router {
  const router = Router();
  const read = allow('owner', 'reader');

  router.post('/', allow('owner', 'sender'), async (req, res) => {
    const idempotencyKey = req.get('idempotency-key');
    if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
      throw invalid([
        { field: 'Idempotency-Key', message: 'must be 1-255 visible ASCII characters' },
      ]);
    }
    const record = toRecord(projectOf(res), parseBody(eventBody, req), retentionDays);
    const requestHash = createHash('sha256').update(JSON.stringify(req.body)).digest('base64');
    const { event, duplicate } = await store.events.insert({
      ...record,
      ...(idempotencyKey !== undefined && { idempotencyKey, requestHash }),
    });
    if (duplicate && event.requestHash !== requestHash) {
      throw new ApiError(
        'idempotency_conflict',
        'this Idempotency-Key was used for another event; use a new key for a new event',
      );
    }
    if (event.fannedOutAt === null) {
      // The event is safe already: when Temporal is away, reconcile starts it.
      await engine.startFanOut(event).catch((error: unknown) => {
        log.warn({ err: error, eventId: event._id }, 'fan-out left to reconcile');
      });
    }
    answer(res, { id: event._id, type: event.type, createdAt: event.createdAt, duplicate }, 202);
  });

  router.get('/', read, async (req, res) => {
    const { page, filter } = parseListQuery(listQuery, req);
    answerPage(res, 'events', await store.events.list(projectOf(res)._id, filter, page), view);
  });

  router.get('/:id', read, async (req, res) => {
    const event = await store.events.get(projectOf(res)._id, pathId(req, 'event'));
    if (!event) throw notFound('the event');
    const deliveries = await store.deliveries.listOfEvent(event._id);
    answer(res, { ...view(event), deliveries: deliveries.map(viewInEvent) });
  });

  return router;
}
