import express, { Router, type Request, type RequestHandler } from 'express';
import type { z } from 'zod';
import { answer } from '../http/answers';
import { allow, projectOf } from '../http/auth';
import { BATCH_LIMIT, BODY_LIMIT, bytesOf } from '../http/body';
import { idempotencyKeyOf } from './idempotency';
import type { Accepted, Intake, Posting } from './intake';
import type { acceptedEventSchema } from '../schemas/event';
import { holdBody } from '../http/under-way';

function view({ event, duplicate }: Accepted): z.infer<typeof acceptedEventSchema> {
  const { _id, type, createdAt } = event;
  return { id: _id, type, createdAt, duplicate };
}

const postingOf = (req: Request, isBatch: boolean): Posting => ({
  key: idempotencyKeyOf(req),
  bytes: bytesOf(req),
  isBatch,
});

/** `POST /v1/events` and `/v1/events/batch`, before the middleware that reads other bodies. */
export function postingRouter(intake: Intake): Router {
  const router = Router();
  const posting = (limit: number): RequestHandler[] => [
    holdBody(limit),
    express.raw({ limit, type: 'application/json' }),
    allow('owner', 'sender'),
  ];

  router.post('/', ...posting(BODY_LIMIT), async (req, res) => {
    const [first] = await intake.accept(projectOf(res), postingOf(req, false));
    answer(res, view(first!), 202);
  });

  router.post('/batch', ...posting(BATCH_LIMIT), async (req, res) => {
    const accepted = await intake.accept(projectOf(res), postingOf(req, true));
    answer(res, { events: accepted.map(view) }, 202);
  });

  return router;
}
