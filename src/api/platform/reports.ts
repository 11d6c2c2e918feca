import { Router } from 'express';
import { z } from 'zod';
import { REPORT_SOURCES } from '../../providers';
import { REPORT_OUTCOMES, type InboundRecord } from '../../store/provider-reports';
import type { Store } from '../../store/store';
import { answer, answerPage } from '../http/answers';
import { allow, projectOf } from '../http/auth';
import { resourceInPath } from '../http/resource-in-path';
import type { reportSchema } from '../schemas/report';
import { pageQuery, parseListQuery, rangeQuery } from '../http/validation';

export const reportsQuery = z.strictObject({
  ...pageQuery('report'),
  ...rangeQuery,
  provider: z.enum(REPORT_SOURCES).optional(),
  type: z.string().optional(),
  outcome: z.enum(REPORT_OUTCOMES).optional(),
});

function view(report: Omit<InboundRecord, 'payload'>): z.infer<typeof reportSchema> {
  return {
    id: report._id,
    provider: report.provider as z.infer<typeof reportSchema>['provider'],
    type: report.type,
    outcome: report.eventId === null ? 'kept' : 'event',
    eventId: report.eventId,
    reason: report.reason ?? null,
    verified: report.verified,
    receivedAt: report.receivedAt,
  };
}

/** `/v1/reports`: what e-mail providers reported, and what became of it. */
export function reportsRouter(store: Store): Router {
  const router = Router();
  const read = allow('owner', 'reader');

  router.get('/', read, async (req, res) => {
    const { page, filter } = parseListQuery(reportsQuery, req);
    answerPage(res, 'reports', await store.inbound.list(projectOf(res)._id, filter, page), view);
  });

  router.get('/:id', read, async (req, res) => {
    const report = await resourceInPath(req, res, 'report', store.inbound);
    // A provider may report `null` too, which becomes no event.
    const isDeleted = report.eventId !== null && report.payload === 'null';
    answer(res, { ...view(report), payload: isDeleted ? null : report.payload });
  });

  return router;
}
