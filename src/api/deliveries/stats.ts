import { Router, type Request } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { DAY_MS } from '../../domain/durations';
import { deliveryStats, type StatsQuery } from '../../store/delivery-stats';
import type { Store } from '../../store/store';
import { answer } from '../http/answers';
import { allow, projectOf } from '../http/auth';
import { counted } from '../http/error-handler';
import { invalid, notFound } from '../http/errors';
import { webhookParam } from '../http/reference-params';
import type { statsSchema } from '../schemas/stats';
import { parse, pathId, rangeQuery } from '../http/validation';

const MAX_DAYS = 31;

export const statsQuery = z.strictObject(rangeQuery);

/** Default: the last 24 hours. */
function rangeOf(req: Request): { since: Date; until: Date } {
  const query = parse(statsQuery, req.query);
  const until = query.until ?? clock.now();
  const since = query.since ?? new Date(until.getTime() - DAY_MS);
  const lengthMs = until.getTime() - since.getTime();
  if (lengthMs <= 0 || lengthMs > MAX_DAYS * DAY_MS) {
    const message = `must be before until, by ${MAX_DAYS} days at most`;
    throw invalid([{ field: 'since', message }]);
  }
  return { since, until };
}

/** `/v1/stats` and `/v1/webhooks/:id/stats` */
export function statsRouter(store: Store): Router {
  const router = Router();
  router.param('id', webhookParam(store));
  const read = allow('owner', 'reader');

  const stats = async (
    of: StatsQuery['of'],
    range: { since: Date; until: Date },
  ): Promise<z.infer<typeof statsSchema>> => {
    return { ...range, ...(await counted(deliveryStats(store, { of, ...range }))) };
  };

  router.get('/stats', read, async (req, res) => {
    answer(res, await stats({ projectId: projectOf(res)._id }, rangeOf(req)));
  });

  router.get('/webhooks/:id/stats', read, async (req, res) => {
    const webhookId = pathId(req, 'webhook');
    const range = rangeOf(req);
    const webhook = await store.webhooks.get(projectOf(res)._id, webhookId);
    if (!webhook) throw notFound('the webhook');
    answer(res, await stats({ webhookId }, range));
  });

  return router;
}
