import type { RequestHandler } from 'express';
import { requestDuration } from '../../metrics';
import type { RouteOf } from '../openapi/routes';

/** Counts and times answers by route: few values, whatever is requested. */
export function measured(routeOf: RouteOf): RequestHandler {
  return (req, res, next) => {
    const end = requestDuration.startTimer({ method: req.method });
    res.once('finish', () => {
      // How long one is open says nothing about how long answers take.
      if (res.locals.isStream === true) return;
      // Refused before its route, or without one.
      const route = req.route === undefined ? undefined : routeOf(req);
      end({ route: route ? labelOf(route.path) : 'none', status: res.statusCode });
    });
    next();
  };
}

/** As dashboards know it. */
const labelOf = (path: string): string => path.replace(':projectId', ':id');
