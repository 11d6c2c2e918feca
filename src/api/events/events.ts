import { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { getProfile, typeNamed } from '../../profiles';
import type { BareEvent, EventRecord } from '../../store/event-record';
import { expungeEvent } from '../../store/expunge';
import type { PageRequest } from '../../store/paging';
import type { ProjectRecord } from '../../store/projects';
import { dataText } from '../../store/new-event';
import type { Store } from '../../store/store';
import type { Engine } from '../../temporal/engine';
import { answer, answerPage, verbatim } from '../http/answers';
import { audited } from '../http/audited';
import { allow, projectOf } from '../http/auth';
import { listView } from '../deliveries/deliveries';
import { columnsOf } from '../exports/csv';
import { exportFields, type Exports } from '../exports/exports';
import { CancelSignals } from './cancel-signals';
import { notFound } from '../http/errors';
import { resourceInPath } from '../http/resource-in-path';
import { listedEventSchema, type eventSchema } from '../schemas/event';
import { typeFilter } from '../schemas/fields';
import {
  inOrder,
  orderQuery,
  pageQuery,
  parseListQuery,
  pathId,
  rangeQuery,
} from '../http/validation';

export interface EventsDependencies {
  store: Store;
  engine: Engine;
  log: Logger;
  exporter: Exports;
}

/** Maximum number of deliveries shown with their event. */
const MAX_DELIVERIES = 1000;
export const eventsQuery = z.strictObject({
  ...pageQuery('event'),
  ...orderQuery,
  ...rangeQuery,
  type: typeFilter,
  include: z
    .enum(['data'], 'must be data, or be omitted')
    .optional()
    .describe(
      '`data`: with the events’ data. A page has at most 1 MiB, and so possibly fewer events than `limit`: continue with `nextCursor`.',
    ),
});

export const eventsExportQuery = z.strictObject({ ...eventsQuery.shape, ...exportFields });
const columns = columnsOf(listedEventSchema);
const bareColumns = columns.filter(({ name }) => name !== 'data');

/** An event as shown in lists without `include=data`. */
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

const filterOf = ({ profile }: ProjectRecord, type: string | undefined): { type?: string } =>
  type === undefined ? {} : { type: typeNamed(getProfile(profile), type) };

/** `/v1/events` */
export function eventsRouter({ store, engine, log, exporter }: EventsDependencies): Router {
  const router = Router();
  const read = allow('owner', 'reader');
  const signals = new CancelSignals((id) => engine.signalDelivery(id, 'cancel'), log);

  router.get('/', read, async (req, res) => {
    const {
      page: asked,
      filter: { include, order, type },
    } = parseListQuery(eventsQuery, req);
    const page = await inOrder(asked, order, () => store.horizon.completeBefore());
    const project = projectOf(res);
    const { _id } = project;
    const filter = filterOf(project, type);
    if (include === 'data') {
      answerPage(res, 'events', await store.events.list(_id, filter, page), view);
    } else {
      answerPage(res, 'events', await store.events.listBare(_id, filter, page), bareView);
    }
  });

  router.get('/export', read, async (req, res) => {
    const {
      page: whole,
      filter: { format, include, order, type },
    } = parseListQuery(eventsExportQuery, req);
    const page = await inOrder(whole, order, () => store.horizon.completeBefore());
    const project = projectOf(res);
    const { _id } = project;
    const filter = filterOf(project, type);
    const asked = { plural: 'events', format, page };
    if (include === 'data') {
      const list = (next: PageRequest) => store.events.list(_id, filter, next);
      await exporter.send(req, res, { ...asked, columns, list, view });
    } else {
      const list = (next: PageRequest) => store.events.listBare(_id, filter, next);
      await exporter.send(req, res, { ...asked, columns: bareColumns, list, view: bareView });
    }
  });

  router.get('/:id', read, async (req, res) => {
    const event = await resourceInPath(req, res, 'event', store.events);
    const newest = await store.deliveries.listNewestOfEvent(event._id, MAX_DELIVERIES + 1);
    const deliveries = newest.slice(-MAX_DELIVERIES);
    answer(res, {
      ...view(event),
      body: event.body,
      deliveries: deliveries.map(listView),
      ...(newest.length > deliveries.length && { deliveriesCursor: deliveries[0]!._id }),
    });
  });

  router.delete('/:id', allow('owner'), audited('event.expunged'), async (req, res) => {
    const id = pathId(req, 'event');
    const expunged = await expungeEvent(store, projectOf(res)._id, id);
    if (!expunged) throw notFound('the event');
    signals.add(expunged.cancelled);
    answer(res, view(expunged.event));
  });

  return router;
}
