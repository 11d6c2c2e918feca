import type { Request, RequestHandler } from 'express';
import { requestDuration } from '../../metrics';

/** The words of the paths that routers stand under; what else is in a path, callers have put there. */
const WORDS = new Set([
  'v1',
  'api',
  'projects',
  'keys',
  'webhooks',
  'secret',
  'manage',
  'events',
  'event-types',
  'catalogs',
  'deliveries',
  'replays',
  'audit',
]);

/** The route as documented, such as `/v1/deliveries/:id/replay`: few values, whatever is called. */
function routeOf({ route, originalUrl }: Request): string {
  const { path } = (route ?? {}) as { path?: unknown };
  if (typeof path !== 'string') return 'none';
  const own = path.split('/').filter(Boolean);
  const called = originalUrl.split('?')[0]!.split('/').filter(Boolean);
  const above = called.slice(0, called.length - own.length);
  return `/${[...above.map((word) => (WORDS.has(word) ? word : ':id')), ...own].join('/')}`;
}

/** Counts and times every request that is answered. */
export const measured: RequestHandler = (req, res, next) => {
  const end = requestDuration.startTimer({ method: req.method });
  res.once('finish', () => end({ route: routeOf(req), status: res.statusCode }));
  next();
};
