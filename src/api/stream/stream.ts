import { Router, type Response } from 'express';
import { allow, mayRead, placeOf, principalOf, projectOf, type Identify } from '../http/auth';
import { onceOver } from '../http/connections';
import { ApiError, rateLimited } from '../http/errors';
import { holdAnswer } from '../http/under-way';
import type { LiveDeliveries } from './live-deliveries';
import { StreamReader } from './reader';

/** Open streams of one key, session or link, and of a project's keys, all its portal links, or the admin for it. */
const MAX_OF_A_KEY = 50;
const MAX_OF_A_PROJECT = 100;
const RETRY_MS = 10_000;

const REFUSALS: ReadonlySet<string> = new Set(['unauthorized', 'forbidden', 'not_found']);

/** `/v1/stream`: how the project's deliveries change, as server-sent events. */
export function streamRouter(live: LiveDeliveries): Router {
  const router = Router();

  router.get('/', allow('owner', 'reader'), (req, res) => {
    const principal = principalOf(res);
    const projectId = projectOf(res)._id;
    const reader = new StreamReader(res, principal.keyId, placeOf(principal), projectId, () =>
      isStillAllowed(res, projectId),
    );
    const isHead = req.method === 'HEAD';
    if (!isHead) refuseTooMany(live, reader);
    res.locals.isStream = true;
    // It counts as a request in progress until it ends, and not as one that is being answered.
    holdAnswer(req, res, 0);
    reader.begin();
    if (isHead) {
      res.end();
      return;
    }
    onceOver(res, () => live.remove(reader));
    live.add(reader, req.get('last-event-id'));
  });

  return router;
}

/** @throws ApiError 429 */
function refuseTooMany(live: LiveDeliveries, { keyId, owner }: StreamReader): void {
  const ofKey = live.count((one) => one.keyId === keyId);
  const ofProject = live.count((one) => one.owner === owner);
  if (ofKey >= MAX_OF_A_KEY) {
    throw rateLimited(RETRY_MS, `${MAX_OF_A_KEY} streams of this key are open, the maximum`);
  }
  if (ofProject >= MAX_OF_A_PROJECT) {
    const message = `${MAX_OF_A_PROJECT} streams of this project are open, the maximum`;
    throw rateLimited(RETRY_MS, message);
  }
}

/** Whether the same request would be accepted now: its key may have been revoked, or its session may have ended. */
async function isStillAllowed(res: Response, projectId: string): Promise<boolean> {
  try {
    const principal = await (res.locals.identify as Identify)();
    return mayRead(principal) && principal.project?._id === projectId;
  } catch (error) {
    // While MongoDB is unavailable, or others guess keys, nothing is known about this one.
    return !(error instanceof ApiError && REFUSALS.has(error.code));
  }
}
