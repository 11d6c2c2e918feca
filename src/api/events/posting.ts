import express, { Router, type Request } from 'express';
import type { z } from 'zod';
import { clock } from '../../clock';
import type { EventRecord } from '../../store/event-record';
import { workspaceOf } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import { answer } from '../http/answers';
import { allow, projectOf } from '../http/auth';
import { BATCH_LIMIT, BODY_LIMIT } from '../http/body';
import type { EventsRead } from './body-checks';
import { orRefused } from './checks';
import { idempotencyKeyOf, type Idempotency } from './idempotency';
import type { Intake } from './intake';
import type { acceptedEventSchema } from '../schemas/event';
import { holdBody } from '../http/under-way';

function accepted(
  { _id, type, createdAt }: Pick<EventRecord, '_id' | 'type' | 'createdAt'>,
  duplicate: boolean,
): z.infer<typeof acceptedEventSchema> {
  return { id: _id, type, createdAt, duplicate };
}

/** `POST /v1/events` and `/v1/events/batch`, by which events come in: before what reads other bodies. */
export function postingRouter(intake: Intake): Router {
  const router = Router();
  const send = allow('owner', 'sender');
  const raw = (limit: number) => [
    holdBody(limit),
    express.raw({ limit, type: 'application/json' }),
  ];

  /** What is posted, and under which key. */
  const read = async (
    req: Request,
    project: ProjectRecord,
    isBatch: boolean,
  ): Promise<EventsRead & { idempotency: Idempotency | undefined }> => {
    const key = idempotencyKeyOf(req);
    const posted = await intake.checks.readEvents(project._id, {
      bytes: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0),
      isBatch,
      profile: project.profile,
      workspaces: [workspaceOf(project), project._id],
      now: clock.now(),
      wantsHash: key !== undefined,
    });
    const { requestHash } = posted;
    return { ...posted, idempotency: key === undefined ? undefined : { key, requestHash } };
  };

  router.post('/', ...raw(BODY_LIMIT), send, async (req, res) => {
    const project = projectOf(res);
    const { events, idempotency } = await read(req, project, false);
    const [first] = idempotency ? await intake.repeated(project, idempotency) : [];
    if (first) {
      answer(res, accepted(first, true), 202);
      return;
    }
    const [prepared] = await intake.prepare(project, orRefused(events));
    const { event, duplicate } = await intake.accept(prepared!, idempotency);
    answer(res, accepted(event, duplicate), 202);
  });

  router.post('/batch', ...raw(BATCH_LIMIT), send, async (req, res) => {
    const project = projectOf(res);
    const { events, count, idempotency } = await read(req, project, true);
    const first = idempotency ? await intake.repeatedBatch(project, idempotency, count) : [];
    if (first.length > 0) {
      answer(res, { events: first.map((event) => accepted(event, true)) }, 202);
      return;
    }
    const at = (index: number): string[] => ['events', String(index)];
    const prepared = await intake.prepare(project, orRefused(events), at);
    const batch = await intake.acceptAll(prepared, idempotency);
    answer(res, { events: batch.events.map((event) => accepted(event, batch.duplicate)) }, 202);
  });

  return router;
}
