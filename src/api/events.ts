import { Router, type Request } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { BareEvent, EventRecord } from '../store/events';
import { expungeEvent } from '../store/expunge';
import { dataText } from '../store/new-event';
import type { Store } from '../store/store';
import type { Engine } from '../temporal/client';
import { answer, answerPage, verbatim } from './answers';
import { audited } from './audited';
import { allow, projectOf } from './auth';
import { listView } from './deliveries';
import { notFound } from './errors';
import { idempotencyOf } from './idempotency';
import { prepareAll, type Intake, type PostedEvent } from './intake';
import { eventBodyOf } from './posted-event';
import type { acceptedEventSchema, eventSchema, listedEventSchema } from './schemas/event';
import { pageQuery, parseBody, parseListQuery, pathId, rangeQuery } from './validation';

export interface EventsDependencies {
  store: Store;
  engine: Engine;
  intake: Intake;
  log: Logger;
}

const MAX_BATCH = 500;
/** Deliveries that are shown with their event. */
const MAX_DELIVERIES = 1000;
export const batchBody = (event: z.ZodType<PostedEvent>) =>
  z.strictObject({ events: z.array(event).min(1).max(MAX_BATCH) });
export const eventsQuery = z.strictObject({
  ...pageQuery('event'),
  ...rangeQuery,
  type: z.string().optional(),
  include: z
    .enum(['data'], 'must be data, or be left out')
    .optional()
    .describe(
      '`data`: with the events’ data. A page has 1 MiB at most, and so perhaps fewer events than `limit`: go on by `nextCursor`.',
    ),
});

/** As a list shows it, unless it is asked for the data. */
function bareView({
  _id,
  projectId,
  type,
  createdAt,
  acceptedAt,
  test,
  expungedAt,
}: BareEvent): z.infer<typeof listedEventSchema> {
  return { id: _id, projectId, type, createdAt, acceptedAt, test: test ?? false, expungedAt };
}

function view(event: EventRecord): z.infer<typeof eventSchema> {
  const { body } = event;
  const { expungedAt, ...shown } = bareView(event);
  return { ...shown, data: body === null ? null : verbatim(dataText(body)), expungedAt };
}

/** How many events a batch holds, before it is checked; 1 where it can't be one. */
function countOf(req: Request): number {
  const { events } = (req.body ?? {}) as { events?: unknown };
  return Array.isArray(events) ? Math.min(Math.max(events.length, 1), MAX_BATCH) : 1;
}

function accepted(
  { _id, type, createdAt }: Pick<EventRecord, '_id' | 'type' | 'createdAt'>,
  duplicate: boolean,
): z.infer<typeof acceptedEventSchema> {
  return { id: _id, type, createdAt, duplicate };
}

/** `/v1/events` */
export function eventsRouter({ store, engine, intake, log }: EventsDependencies): Router {
  const router = Router();
  const read = allow('owner', 'reader');
  const send = allow('owner', 'sender');

  router.post('/', send, async (req, res) => {
    const idempotency = idempotencyOf(req);
    const project = projectOf(res);
    const [first] = idempotency ? await intake.repeated(project, idempotency) : [];
    if (first) {
      answer(res, accepted(first, true), 202);
      return;
    }
    const posted = parseBody(eventBodyOf(project), req);
    const types = await intake.catalog.find(project, [posted.type]);
    const prepared = intake.prepare(project, types, posted);
    const { event, duplicate } = await intake.accept(prepared, idempotency);
    answer(res, accepted(event, duplicate), 202);
  });

  router.post('/batch', send, async (req, res) => {
    const idempotency = idempotencyOf(req);
    const project = projectOf(res);
    const first = idempotency ? await intake.repeatedBatch(project, idempotency, countOf(req)) : [];
    if (first.length > 0) {
      answer(res, { events: first.map((event) => accepted(event, true)) }, 202);
      return;
    }
    const { events } = parseBody(batchBody(eventBodyOf(project)), req);
    const types = await intake.catalog.find(
      project,
      events.map(({ type }) => type),
    );
    const prepared = prepareAll(events, (event, index) =>
      intake.prepare(project, types, event, ['events', String(index)]),
    );
    const batch = await intake.acceptAll(prepared, idempotency);
    answer(res, { events: batch.events.map((event) => accepted(event, batch.duplicate)) }, 202);
  });

  router.get('/', read, async (req, res) => {
    const {
      page,
      filter: { include, ...filter },
    } = parseListQuery(eventsQuery, req);
    const { _id } = projectOf(res);
    if (include === 'data') {
      answerPage(res, 'events', await store.events.list(_id, filter, page), view);
    } else {
      answerPage(res, 'events', await store.events.listBare(_id, filter, page), bareView);
    }
  });

  router.get('/:id', read, async (req, res) => {
    const event = await store.events.get(projectOf(res)._id, pathId(req, 'event'));
    if (!event) throw notFound('the event');
    const newest = await store.deliveries.listNewestOfEvent(event._id, MAX_DELIVERIES + 1);
    const deliveries = newest.slice(-MAX_DELIVERIES);
    answer(res, {
      ...view(event),
      deliveries: deliveries.map(listView),
      ...(newest.length > deliveries.length && { deliveriesCursor: deliveries[0]!._id }),
    });
  });

  router.delete('/:id', allow('owner'), audited('event.expunged'), async (req, res) => {
    const id = pathId(req, 'event');
    const expunged = await expungeEvent(store, projectOf(res)._id, id);
    if (!expunged) throw notFound('the event');
    // They are cancelled already; a workflow that isn't told finds out when its next attempt is due.
    void Promise.all(
      expunged.cancelled.map((deliveryId) =>
        engine.signalDelivery(deliveryId, 'cancel').catch((error: unknown) => {
          log.warn({ err: error, deliveryId }, 'cancelled delivery left to its next attempt');
        }),
      ),
    );
    answer(res, view(expunged.event));
  });

  return router;
}
