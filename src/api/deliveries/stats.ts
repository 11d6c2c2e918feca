import { Router, type Request } from 'express';
import { z } from 'zod';
import { disabledBy, type ChangedBy } from '../../domain/changed-by';
import { DAY_MS, HOUR_MS } from '../../domain/durations';
import { healthOf } from '../../domain/webhook-health';
import { deliveryStats, type StatsInterval, type StatsQuery } from '../../store/delivery-stats';
import { overviewOf, type Overview } from '../../store/overview';
import type { Store } from '../../store/store';
import type { ShownWebhook } from '../../store/webhook-record';
import { answer } from '../http/answers';
import { allow, changedBy, projectOf } from '../http/auth';
import { counted } from '../http/error-handler';
import { notFound } from '../http/errors';
import { webhookParam } from '../http/reference-params';
import type { webhookStatsSchema } from '../schemas/stats';
import { parse, pathId, rangeQuery, rangeWithin } from '../http/validation';

/** The longest range, and the default. */
const RANGES: Readonly<Record<StatsInterval, { maxMs: number; max: string; defaultMs: number }>> = {
  day: { maxMs: 31 * DAY_MS, max: '31 days', defaultMs: 30 * DAY_MS },
  hour: { maxMs: 31 * DAY_MS, max: '31 days', defaultMs: DAY_MS },
  minute: { maxMs: 2 * HOUR_MS, max: '2 hours', defaultMs: HOUR_MS },
};

export const statsQuery = z.strictObject({
  ...rangeQuery,
  interval: z
    .enum(['day', 'hour', 'minute'])
    .default('hour')
    .describe(
      '`minute`: by the minute too, for a range of up to 2 hours. `day`: by the days of UTC instead of by the hour.',
    ),
});

type Asked = Pick<StatsQuery, 'since' | 'until'> & { interval: StatsInterval };

function askedBy(req: Request): Asked {
  const { interval, ...query } = parse(statsQuery, req.query);
  const { max, ...range } = RANGES[interval];
  const atMost = `${max} at most with interval=${interval}`;
  return { ...rangeWithin(query, { ...range, atMost }), interval };
}

/** `/v1/stats` and `/v1/webhooks/:id/stats` */
export function statsRouter(store: Store): Router {
  const router = Router();
  router.param('id', webhookParam(store));
  const read = allow('owner', 'reader');

  const stats = async (
    of: Pick<StatsQuery, 'projectId' | 'webhookId'>,
    { interval, ...range }: Asked,
  ): Promise<z.infer<typeof webhookStatsSchema>> => {
    return { ...range, ...(await counted(deliveryStats(store, { ...of, ...range }, interval))) };
  };

  router.get('/stats', read, async (req, res) => {
    const projectId = projectOf(res)._id;
    const asked = askedBy(req);
    const [figures, overview] = await Promise.all([
      stats({ projectId }, asked),
      overviewOf(store, projectId),
    ]);
    answer(res, { ...figures, ...showOverview(overview, changedBy(res)) });
  });

  router.get('/webhooks/:id/stats', read, async (req, res) => {
    const webhookId = pathId(req, 'webhook');
    const asked = askedBy(req);
    const projectId = projectOf(res)._id;
    const webhook = await store.webhooks.get(projectId, webhookId);
    if (!webhook) throw notFound('the webhook');
    answer(res, await stats({ projectId, webhookId }, asked));
  });

  return router;
}

function showOverview({ oldestPending, oldestDue, failing }: Overview, reader: ChangedBy) {
  const { _id, ...pending } = oldestPending ?? {};
  const webhooks = failing.webhooks.map((webhook) => showFailing(webhook, reader));
  return {
    oldestPending: oldestPending && { id: _id, ...pending },
    oldestDue,
    failingWebhooks: { count: failing.count, webhooks },
  };
}

function showFailing(webhook: ShownWebhook, reader: ChangedBy) {
  const { _id, name, isActive, disabledReason, failureCount, lastStatus, lastFailedAt } = webhook;
  const shown = { name, isActive, disabledReason, failureCount, lastStatus, lastFailedAt };
  return { id: _id, ...shown, disabledBy: disabledBy(webhook), ...healthOf(webhook, reader) };
}
