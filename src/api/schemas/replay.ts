import { z } from 'zod';
import { DELIVERY_STATUSES } from '../../contracts/delivery';
import { CHANGED_BY } from '../../domain/changed-by';
import { REPLAY_STATUSES } from '../../store/replays';
import { count, EXAMPLE, id, time } from './fields';

export const replaySchema = z
  .object({
    id: id('replay'),
    projectId: id('project'),
    webhookId: id('webhook').optional(),
    statuses: z.array(z.enum(DELIVERY_STATUSES)),
    types: z.array(z.string()).optional(),
    since: time,
    until: time,
    endedSince: time.optional(),
    ratePerSecond: z
      .number()
      .nullable()
      .describe('Deliveries a second; null: as many as its webhooks take.'),
    status: z
      .enum(REPLAY_STATUSES)
      .describe(
        '`completed`: every delivery has been attempted or has ended otherwise. A replay keeps running while a paused webhook holds some of its deliveries. `paused` and `cancelled`: queued deliveries that no worker had taken got back their previous status; so do, within seconds, those that a worker returns to the queue.',
      ),
    startedBy: z
      .enum(CHANGED_BY)
      .describe(
        '`platform`: with a key; `customer`: through a portal link. A portal link can pause, resume and cancel only replays that portal links have started.',
      ),
    pausedBy: z
      .enum(CHANGED_BY)
      .nullable()
      .describe('Who paused it. A portal link can’t resume what was paused with a key.'),
    matched: count.describe(
      'How many deliveries there were when it was requested, those of deleted webhooks included; it grows if the replay finds more.',
    ),
    replayed: count,
    failed: count.describe(
      'How many could not be replayed: the webhook was deleted, or disabled after the replay was requested; the delivery is pending again, was replayed separately or has expired, or its payload was deleted; or it was queued but cancelled, or ended with its webhook, before it was sent. Deliveries that the replay no longer finds for one of these reasons are counted when it completes.',
    ),
    createdAt: time,
    updatedAt: time,
    completedAt: time.nullable(),
  })
  .meta({ id: 'Replay' });

export const replayExample: z.infer<typeof replaySchema> = {
  id: EXAMPLE.replayId,
  projectId: EXAMPLE.projectId,
  webhookId: EXAMPLE.webhookId,
  statuses: ['failed', 'skipped'],
  since: EXAMPLE.at('08:00:00'),
  until: EXAMPLE.at('09:00:00'),
  ratePerSecond: 10,
  status: 'running',
  startedBy: 'platform',
  pausedBy: null,
  matched: 1204,
  replayed: 310,
  failed: 0,
  createdAt: EXAMPLE.at('10:00:00'),
  updatedAt: EXAMPLE.at('10:00:31'),
  completedAt: null,
};

export const dryRunSchema = z
  .object({ matched: count, byWebhook: z.record(z.string(), count) })
  .meta({ id: 'ReplayDryRun' });

export const dryRunExample: z.infer<typeof dryRunSchema> = {
  matched: 1204,
  byWebhook: { [EXAMPLE.webhookId]: 1204 },
};
