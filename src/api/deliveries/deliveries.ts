import { Router, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { clock, moment, type Moment } from '../../clock';
import { UNENDED_STATUSES, type Attempt } from '../../contracts/delivery';
import { deliveryWorkflowId } from '../../contracts/temporal';
import { lastCounting } from '../../domain/outcome';
import { deliveriesCompleteBefore } from '../../store/complete';
import type { DeliveryRecord, ListedDelivery } from '../../store/delivery-record';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import { headersOf } from '../../store/stored-headers';
import type { WebhookRecord } from '../../store/webhook-record';
import type { Engine } from '../../temporal/engine';
import { runOrLeave } from '../../temporal/run-or-leave';
import { toPlanned } from '../../store/planned-delivery';
import { answer, answerPage } from '../http/answers';
import { audited } from '../http/audited';
import { allow, changedBy, portalCapabilities, principalOf, projectOf } from '../http/auth';
import { columnsOf } from '../exports/csv';
import type { Exports } from '../exports/exports';
import { explainPending } from './pending';
import { notFound, refusal, type ApiError } from '../http/errors';
import { refuseSending } from '../http/left-to-platform';
import { resourceInPath } from '../http/resource-in-path';
import { deliverySummarySchema, type deliverySchema } from '../schemas/delivery';
import { inOrder, parseListQuery } from '../http/validation';
import { deliveriesExportQuery, deliveriesQuery, deliveryFilterOf } from './query';

export interface DeliveriesDependencies {
  store: Store;
  engine: Engine;
  log: Logger;
  exporter: Exports;
  /** Returns a workflow's address in the Temporal Web UI; null if none is configured. */
  webUrl: (workflowId: string, runId: string | null) => string | null;
}

const columns = columnsOf(deliverySummarySchema);

/** A delivery as shown in lists: of its attempts, what became of the last that counts. */
export function listView({
  lastAttempt: last,
  ...delivery
}: ListedDelivery): z.infer<typeof deliverySummarySchema> {
  return {
    id: delivery._id,
    eventId: delivery.eventId,
    webhookId: delivery.webhookId,
    projectId: delivery.projectId,
    eventType: delivery.eventType,
    status: delivery.status,
    attemptCount: delivery.attemptCount,
    lastAttempt: last && {
      number: last.number,
      startedAt: last.startedAt,
      durationMs: last.durationMs,
      outcome: last.outcome,
      ...(last.statusCode !== undefined && { statusCode: last.statusCode }),
      ...(last.errorCode !== undefined && { errorCode: last.errorCode }),
    },
    nextAttemptAt: delivery.nextAttemptAt,
    ...(delivery.endReason && { endReason: delivery.endReason }),
    replays: delivery.replays,
    test: delivery.test ?? false,
    createdAt: delivery.createdAt,
    completedAt: delivery.completedAt,
  };
}

function attemptView({ failedRound: _round, ...attempt }: Attempt): Attempt {
  const { requestHeaders, responseHeaders } = attempt;
  return {
    ...attempt,
    requestHeaders: headersOf(requestHeaders),
    ...(responseHeaders && { responseHeaders: headersOf(responseHeaders) }),
  };
}

const ended = (status = 'deleted'): ApiError => refusal('delivery_ended', { status });

/** @throws ApiError 409 */
function refuseEnded({ status }: DeliveryRecord): void {
  if (!UNENDED_STATUSES.includes(status)) throw ended(status);
}

/** `/v1/deliveries` */
export function deliveriesRouter(deps: DeliveriesDependencies): Router {
  const { store, engine, log, exporter, webUrl } = deps;
  const router = Router();
  const read = allow('owner', 'reader');
  const write = allow('owner');

  /** @throws ApiError 409 when it was deleted */
  const webhookOf = async ({ projectId, webhookId }: DeliveryRecord): Promise<WebhookRecord> => {
    const webhook = await store.webhooks.get(projectId, webhookId);
    if (!webhook) throw refusal('webhook_deleted');
    return webhook;
  };

  const workflowOf = (
    { _id, runId, isExpress }: DeliveryRecord,
    isPortal: boolean,
  ): z.infer<typeof deliverySchema>['workflow'] => {
    if (isExpress) return null;
    const id = deliveryWorkflowId(_id);
    // The Web UI is the operator's.
    return { id, runId, webUrl: isPortal ? null : webUrl(id, runId) };
  };
  const viewFor = (res: Response, delivery: DeliveryRecord): z.infer<typeof deliverySchema> => ({
    ...listView({ ...delivery, lastAttempt: lastCounting(delivery.attempts) ?? null }),
    attempts: delivery.attempts.map(attemptView),
    workflow: workflowOf(delivery, portalCapabilities(principalOf(res)) !== null),
  });

  router.get('/', read, async (req, res) => {
    const { page, filter } = parseListQuery(deliveriesQuery, req);
    const { order, ...filters } = filter;
    const project = projectOf(res);
    const found = await store.deliveries.list(
      project._id,
      await deliveryFilterOf(store, project, filters),
      await inOrder(page, order, () => deliveriesCompleteBefore(store, project._id)),
    );
    answerPage(res, 'deliveries', found, listView);
  });

  router.get('/export', read, async (req, res) => {
    const { page, filter } = parseListQuery(deliveriesExportQuery, req);
    const { format, order, ...filters } = filter;
    const project = projectOf(res);
    const among = await deliveryFilterOf(store, project, filters);
    await exporter.send(req, res, {
      plural: 'deliveries',
      format,
      columns,
      page: await inOrder(page, order, () => deliveriesCompleteBefore(store, project._id)),
      list: (next) => store.deliveries.list(project._id, among, next),
      view: listView,
    });
  });

  router.get('/:id', read, async (req, res) => {
    const delivery = await resourceInPath(req, res, 'delivery', store.deliveries);
    const reader = changedBy(res);
    const pending = await explainPending(delivery, projectOf(res), store, engine, reader);
    answer(res, { ...viewFor(res, delivery), ...(pending && { pending }) });
  });

  /** Changes a delivery in MongoDB first, and then asks Temporal for what follows from that. */
  const change =
    (
      move: (
        delivery: DeliveryRecord,
        project: ProjectRecord,
        res: Response,
      ) => Promise<{ changed: DeliveryRecord; run: (decidedAt: Moment) => Promise<unknown> }>,
    ): RequestHandler =>
    async (req, res) => {
      const delivery = await resourceInPath(req, res, 'delivery', store.deliveries);
      const decidedAt = moment();
      const { changed, run } = await move(delivery, projectOf(res), res);
      await runOrLeave(log, { deliveryId: changed._id }, 'left to reconcile', () => run(decidedAt));
      answer(res, viewFor(res, changed), 202);
    };

  const retry = change(async (delivery, project, res) => {
    refuseEnded(delivery);
    const { _id } = delivery;
    const webhook = await webhookOf(delivery);
    refuseSending(res, webhook);
    if (webhook.isPaused) throw refusal('delivery_held', { why: 'is paused; resume the webhook' });
    if (delivery.status === 'held') {
      const why = 'was paused; the delivery is sent in its turn, without a retry';
      throw refusal('delivery_held', { why });
    }
    const changed = await store.deliveries.hasten(_id);
    if (!changed) throw ended((await store.deliveries.find(_id))?.status);
    const run = async (decidedAt: Moment): Promise<void> => {
      if (changed.isExpress) return engine.wakeCourier(project._id);
      // A run that has only been requested has no id yet.
      const runId = changed.runRequested ? null : changed.runId;
      if (await engine.signalDelivery(_id, 'retryNow', { at: decidedAt, runId })) return;
      const found = await engine.findRun(_id);
      if (found !== 'ended' && found !== null) return;
      const requested = await store.deliveries.requestRun(changed, found, null);
      const planned = requested && toPlanned(requested, webhook, project);
      if (!planned) return;
      const decided = { at: decidedAt, runId: requested.runId };
      await engine.runAgain(planned, found, 'live', decided);
    };
    return { changed, run };
  });
  router.post('/:id/retry', write, audited('delivery.retried'), retry);

  const cancel = change(async (delivery) => {
    refuseEnded(delivery);
    const { _id } = delivery;
    const changed = await store.deliveries.cancel(_id);
    if (!changed) throw ended((await store.deliveries.find(_id))?.status);
    const { runId, replays } = changed;
    const run = (at: Moment) => engine.signalDelivery(_id, 'cancel', { at, runId }, replays);
    return { changed, run };
  });
  router.post('/:id/cancel', write, audited('delivery.cancelled'), cancel);

  const replay = change(async (delivery, project, res) => {
    const webhook = await webhookOf(delivery);
    refuseSending(res, webhook);
    if (delivery.expunged) throw refusal('event_expunged');
    const hasEnded = !UNENDED_STATUSES.includes(delivery.status);
    if (hasEnded && delivery.expiresAt <= clock.now()) throw notFound('the delivery');
    const changed = await store.deliveries.beginReplay(project._id, delivery._id);
    if (!changed) throw refusal('delivery_in_progress');
    const planned = toPlanned(changed, webhook, project);
    const { runId } = changed;
    return { changed, run: (at) => engine.runDelivery(planned, 'live', { at, runId }) };
  });
  router.post('/:id/replay', write, audited('delivery.replayed'), replay);

  return router;
}
