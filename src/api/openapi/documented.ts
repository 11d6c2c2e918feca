import type { RequestHandler } from 'express';
import { refusal, refused, type ApiError } from '../http/errors';
import { Problems } from '../http/problems';
import type { RouteOf } from './routes';

/** Refuses a method that the document doesn't have for a path, listing those that it has in `Allow`. */
export function documentedMethods(routeOf: RouteOf): RequestHandler {
  return (req, res, next) => {
    const route = routeOf(req);
    if (route && !route.methods.includes(req.method)) {
      const allowed = route.methods.join(', ');
      res.set('Allow', allowed);
      throw refusal('method_not_allowed', { method: req.method, allowed });
    }
    next();
  };
}

/** Comes after the body has been read: refuses fields where the document has none. */
export function documentedBodies(routeOf: RouteOf): RequestHandler {
  return (req, _res, next) => {
    const fields = Object.keys((req.body as object | undefined) ?? {});
    if (fields.length > 0 && routeOf(req)?.withBody.includes(req.method) === false) {
      throw unknown(fields, 'is not a known field here: this request has no body');
    }
    next();
  };
}

/** Refuses a query where the document has none: who puts `dryRun` there must not get a real replay. */
export function documentedQueries(routeOf: RouteOf): RequestHandler {
  return (req, _res, next) => {
    const parameters = Object.keys(req.query);
    if (parameters.length > 0 && routeOf(req)?.withQuery.includes(req.method) === false) {
      throw unknown(parameters, 'is not a known query parameter here');
    }
    next();
  };
}

function unknown(names: readonly string[], message: string): ApiError {
  const wrong = new Problems();
  for (const name of names) wrong.add([name], () => message);
  return refused(wrong);
}
