import { Router, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { DELIVERY_STATUSES, UNENDED_STATUSES } from '../../contracts/delivery';
import { deliveryWorkflowId } from '../../contracts/temporal';
import { idPattern } from '../../contracts/ids';
import type { DeliveryRecord } from '../../store/delivery-record';
import type { Store } from '../../store/store';
import type { Engine } from '../../temporal/engine';
import { toPlanned } from '../../store/planned-delivery';
import { answer, answerPage } from '../http/answers';
import { audited } from '../http/audited';
import { allow, projectOf } from '../http/auth';
import { explainPending } from './pending';
import { notFound, refusal, type ApiError } from '../http/errors';
import { webhookIdOf } from '../http/references';
import type { deliverySchema, deliverySummarySchema } from '../schemas/delivery';
import { reference } from '../schemas/fields';
import { pageQuery, parseListQuery, pathId, rangeQuery } from '../http/validation';

export interface DeliveriesDependencies {
  store: Store;
  engine: Engine;
  log: Logger;
  /** Makes a workflow's address in the Temporal Web UI; null where none is configured. */
  webUrl: (workflowId: string, runId: string | null) => string | null;
}

export const deliveriesQuery = z.strictObject({
  ...pageQuery('delivery'),
  ...rangeQuery,
  webhookId: reference('webhook').optional(),
  eventId: z.string().regex(idPattern('event'), 'is not an event id').optional(),
  status: z.enum(DELIVERY_STATUSES).optional(),
  type: z.string().optional(),
});

/** A delivery as a list shows it: without its attempts. */
export function listView(delivery: DeliveryRecord): z.infer<typeof deliverySummarySchema> {
  return {
    id: delivery._id,
    eventId: delivery.eventId,
    webhookId: delivery.webhookId,
    projectId: delivery.projectId,
    eventType: delivery.eventType,
    status: delivery.status,
    attemptCount: delivery.attemptCount,
    nextAttemptAt: delivery.nextAttemptAt,
    ...(delivery.endReason && { endReason: delivery.endReason }),
    replays: delivery.replays,
    test: delivery.test ?? false,
    createdAt: delivery.createdAt,
    completedAt: delivery.completedAt,
  };
}

const ended = (status = 'deleted'): ApiError => refusal('delivery_ended', { status });

/** `/v1/deliveries` */
export function deliveriesRouter({ store, engine, log, webUrl }: DeliveriesDependencies): Router {
  const router = Router();
  const read = allow('owner', 'reader');
  const write = allow('owner');

  const unendedDelivery = async (req: Request, res: Response): Promise<DeliveryRecord> => {
    const delivery = await store.deliveries.get(projectOf(res)._id, pathId(req, 'delivery'));
    if (!delivery) throw notFound('the delivery');
    if (!UNENDED_STATUSES.includes(delivery.status)) throw ended(delivery.status);
    return delivery;
  };

  /** MongoDB says already what is to be done: when Temporal is away, reconcile asks for it. */
  const leftToReconcile = async (id: string, ask: () => Promise<unknown>): Promise<void> => {
    await ask().catch((error: unknown) => {
      log.warn({ err: error, deliveryId: id }, 'left to reconcile');
    });
  };

  const workflowOf = ({
    _id,
    runId,
    isExpress,
  }: DeliveryRecord): z.infer<typeof deliverySchema>['workflow'] => {
    if (isExpress) return null;
    const id = deliveryWorkflowId(_id);
    return { id, runId, webUrl: webUrl(id, runId) };
  };
  const view = (delivery: DeliveryRecord): z.infer<typeof deliverySchema> => ({
    ...listView(delivery),
    attempts: delivery.attempts,
    workflow: workflowOf(delivery),
  });

  router.get('/', read, async (req, res) => {
    const { page, filter } = parseListQuery(deliveriesQuery, req);
    const { type, webhookId, ...rest } = filter;
    const project = projectOf(res);
    const found = await store.deliveries.list(
      project._id,
      {
        ...rest,
        ...(webhookId !== undefined && {
          webhookId: await webhookIdOf(store, project, webhookId),
        }),
        ...(type !== undefined && { eventType: type }),
      },
      page,
    );
    answerPage(res, 'deliveries', found, listView);
  });

  router.get('/:id', read, async (req, res) => {
    const delivery = await store.deliveries.get(projectOf(res)._id, pathId(req, 'delivery'));
    if (!delivery) throw notFound('the delivery');
    const pending = await explainPending(delivery, store, engine);
    answer(res, { ...view(delivery), ...(pending && { pending }) });
  });

  router.post('/:id/retry', write, audited('delivery.retried'), async (req, res) => {
    const delivery = await unendedDelivery(req, res);
    const { _id } = delivery;
    const project = projectOf(res);
    const webhook = await store.webhooks.get(project._id, delivery.webhookId);
    if (!webhook) throw refusal('webhook_deleted');
    if (delivery.status === 'held' || webhook.isPaused) {
      throw refusal('delivery_held');
    }
    const hastened = await store.deliveries.hasten(_id);
    if (!hastened) throw ended((await store.deliveries.find(_id))?.status);
    await leftToReconcile(_id, async () => {
      if (hastened.isExpress) return engine.wakeCourier(project._id);
      if (await engine.signalDelivery(_id, 'retryNow')) return;
      const found = await engine.findRun(_id);
      const requested =
        (found === 'ended' || found === null) && (await store.deliveries.requestRun(_id, 0));
      if (requested) await engine.runAgain(toPlanned(requested, webhook, project), found);
    });
    answer(res, view(hastened), 202);
  });

  router.post('/:id/cancel', write, audited('delivery.cancelled'), async (req, res) => {
    const { _id } = await unendedDelivery(req, res);
    const isCancelled = await store.deliveries.cancel(_id);
    const delivery = await store.deliveries.find(_id);
    if (!isCancelled || !delivery) throw ended(delivery?.status);
    await leftToReconcile(_id, () => engine.signalDelivery(_id, 'cancel'));
    answer(res, view(delivery), 202);
  });

  router.post('/:id/replay', write, audited('delivery.replayed'), async (req, res) => {
    const project = projectOf(res);
    const id = pathId(req, 'delivery');
    const found = await store.deliveries.get(project._id, id);
    if (!found) throw notFound('the delivery');
    const webhook = await store.webhooks.get(project._id, found.webhookId);
    if (!webhook) throw refusal('webhook_deleted');
    if (found.expunged) throw refusal('event_expunged');
    const delivery = await store.deliveries.beginReplay(project._id, id);
    if (!delivery) throw refusal('delivery_in_progress');
    await leftToReconcile(id, () =>
      engine.runDelivery(toPlanned(delivery, webhook, project), 'live'),
    );
    answer(res, view(delivery), 202);
  });

  return router;
}
