import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { auditQuery } from '../../projects/audit';
import { deliveriesExportQuery, deliveriesQuery } from '../../deliveries/query';
import { replayBody, replaysQuery } from '../../deliveries/replays';
import { auditEntryExample, auditEntrySchema } from '../../schemas/audit';
import {
  deliveryExample,
  deliverySchema,
  deliverySummaryExample,
  deliverySummarySchema,
  explainedDeliveryExample,
  explainedDeliverySchema,
} from '../../schemas/delivery';
import { EXAMPLE, id } from '../../schemas/fields';
import { dryRunExample, dryRunSchema, replayExample, replaySchema } from '../../schemas/replay';
import { projectStatsExample, projectStatsSchema } from '../../schemas/stats';
import { statsQuery } from '../../deliveries/stats';
import { EXPORT, exported } from '../export';
import { data, linksTo, operation, page } from '../operation';
import { subscriptionField } from '../../webhooks/webhook-body';
import { widest } from '../widest';

const deliveryPath = z.object({ id: id('delivery') });
const replayPath = z.object({ id: id('replay') });
const delivery = data('The delivery.', deliverySchema, deliveryExample);
const TAKES_BACK =
  'No more deliveries are sent, except those that a worker has already taken. Queued deliveries get back the status that they had before the replay; so do, within seconds, those that a worker returns to the queue.';
const moved = data('The replay.', replaySchema, replayExample);
const range = { since: '2026-10-01T08:00:00Z', until: '2026-10-01T09:00:00Z' };

export const deliveryPaths: ZodOpenApiPathsObject = {
  '/v1/deliveries': {
    get: operation({
      operationId: 'listDeliveries',
      tag: 'Deliveries',
      summary: 'List deliveries',
      query: deliveriesQuery,
      answers: { 200: page('deliveries', deliverySummarySchema, deliverySummaryExample) },
    }),
  },
  '/v1/deliveries/export': {
    get: operation({
      operationId: 'exportDeliveries',
      tag: 'Deliveries',
      summary: 'Export deliveries',
      description: EXPORT,
      query: deliveriesExportQuery,
      answers: { 200: exported(deliverySummarySchema, deliverySummaryExample) },
    }),
  },
  '/v1/deliveries/{id}': {
    get: operation({
      operationId: 'getDelivery',
      tag: 'Deliveries',
      summary: 'Read a delivery',
      description: 'With its last 50 attempts, and, if it has not arrived yet, the reason.',
      path: deliveryPath,
      answers: {
        200: data('The delivery.', explainedDeliverySchema, explainedDeliveryExample),
      },
    }),
  },
  '/v1/deliveries/{id}/retry': {
    post: operation({
      operationId: 'retryDelivery',
      tag: 'Deliveries',
      summary: 'Attempt a pending delivery now',
      path: deliveryPath,
      answers: { 202: delivery },
      errors: ['delivery_ended', 'delivery_held', 'webhook_deleted'],
    }),
  },
  '/v1/deliveries/{id}/cancel': {
    post: operation({
      operationId: 'cancelDelivery',
      tag: 'Deliveries',
      summary: 'Stop a pending delivery',
      path: deliveryPath,
      answers: { 202: delivery },
      errors: ['delivery_ended'],
    }),
  },
  '/v1/deliveries/{id}/replay': {
    post: operation({
      operationId: 'replayDelivery',
      tag: 'Deliveries',
      summary: 'Deliver again',
      description: 'The same id and the same bytes, with the whole retry schedule again.',
      path: deliveryPath,
      answers: { 202: delivery },
      errors: ['delivery_in_progress', 'webhook_deleted', 'event_expunged'],
    }),
  },
  '/v1/replays': {
    post: operation({
      operationId: 'createReplay',
      tag: 'Replays',
      summary: 'Replay many deliveries',
      description:
        'Selects deliveries created in a time range, by status, and optionally by webhook and types. `types` accepts what subscriptions accept; families stand for the types that exist now, and `*` for all. In a project that defines its own types, the name of one that no longer exists selects its deliveries too. A project may have 200 running or paused replays at a time started with its keys, and 200 started through its portal links.',
      body: {
        schema: replayBody(subscriptionField(widest, [], 'platform')),
        examples: {
          failed: { webhookId: EXAMPLE.webhookId, ...range },
          'dry run': { ...range, statuses: ['failed'], dryRun: true },
        },
      },
      answers: {
        200: data('The counts of a dry run.', dryRunSchema, dryRunExample),
        202: data(
          'The replay, in progress.',
          replaySchema,
          replayExample,
          linksTo('data/id', ['getReplay', 'pauseReplay', 'resumeReplay', 'cancelReplay']),
        ),
      },
      errors: ['replay_limit_reached'],
    }),
    get: operation({
      operationId: 'listReplays',
      tag: 'Replays',
      summary: 'List bulk replays',
      query: replaysQuery,
      answers: { 200: page('replays', replaySchema, replayExample) },
    }),
  },
  '/v1/replays/{id}': {
    get: operation({
      operationId: 'getReplay',
      tag: 'Replays',
      summary: 'Progress of a bulk replay',
      path: replayPath,
      answers: { 200: moved },
    }),
  },
  ...Object.fromEntries(
    Object.entries({
      pause: `${TAKES_BACK} A resume continues it.`,
      resume: 'Continues where it was paused.',
      cancel: TAKES_BACK,
    }).map(([move, description]) => [
      `/v1/replays/{id}/${move}`,
      {
        post: operation({
          operationId: `${move}Replay`,
          tag: 'Replays',
          summary: `${move[0]!.toUpperCase()}${move.slice(1)} a bulk replay`,
          description,
          path: replayPath,
          answers: { 202: moved },
          errors: ['replay_ended'],
        }),
      },
    ]),
  ),
  '/v1/stats': {
    get: operation({
      operationId: 'getStats',
      tag: 'Insight',
      summary: 'Statistics of the project',
      description:
        'For the last 24 hours (by the day: 30 days; by the minute: the last hour), or a range of at most 31 days, by the minute 2 hours, and what needs attention now. As quick for millions of deliveries as for a few.',
      query: statsQuery,
      answers: { 200: data('The figures.', projectStatsSchema, projectStatsExample) },
    }),
  },
  '/v1/audit': {
    get: operation({
      operationId: 'listAudit',
      tag: 'Insight',
      summary: 'Who did what',
      description: 'In the project; the admin key without `x-project-id` sees everything.',
      query: auditQuery,
      answers: { 200: page('entries', auditEntrySchema, auditEntryExample) },
    }),
  },
};
