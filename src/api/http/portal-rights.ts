import type { RequestHandler } from 'express';
import type { RouteOf } from '../openapi/routes';
import { portalCapabilities, principalOf, type Capabilities } from './auth';
import { ApiError, unknownRoute } from './errors';

/**
 * What a portal link may do, route by route: which capabilities it needs (`manage` includes `read`); null: no link
 * may. It is for a customer's own webhooks: never for keys, events' payloads of its own making, the catalogue of
 * event types, the audit log, or what the platform has decided. A test holds this against the documented routes.
 */
export const PORTAL_RIGHTS: Readonly<Record<string, Capabilities | null>> = {
  'GET /v1/webhooks': 'read',
  'GET /v1/webhooks/:id': 'read',
  'GET /v1/webhooks/:id/stats': 'read',
  'GET /v1/webhooks/events/available': 'read',
  'GET /v1/webhooks/defaults': 'read',
  'GET /v1/event-types': 'read',
  'GET /v1/events': 'read',
  'GET /v1/events/:id': 'read',
  'GET /v1/events/export': 'read',
  'GET /v1/deliveries': 'read',
  'GET /v1/deliveries/:id': 'read',
  'GET /v1/deliveries/export': 'read',
  'GET /v1/replays': 'read',
  'GET /v1/replays/:id': 'read',
  'GET /v1/stats': 'read',
  'GET /v1/search': 'read',
  'GET /v1/stream': 'read',

  'POST /v1/webhooks': 'manage',
  'PATCH /v1/webhooks/:id': 'manage',
  'DELETE /v1/webhooks/:id': 'manage',
  'GET /v1/webhooks/:id/secret': 'manage',
  'POST /v1/webhooks/:id/secret/rotate': 'manage',
  'POST /v1/webhooks/:id/test': 'manage',
  'POST /v1/webhooks/:id/pause': 'manage',
  'POST /v1/webhooks/:id/resume': 'manage',
  'POST /v1/deliveries/:id/retry': 'manage',
  'POST /v1/deliveries/:id/cancel': 'manage',
  'POST /v1/deliveries/:id/replay': 'manage',
  'POST /v1/replays': 'manage',
  'POST /v1/replays/:id/pause': 'manage',
  'POST /v1/replays/:id/resume': 'manage',
  'POST /v1/replays/:id/cancel': 'manage',

  'POST /v1/events': null,
  'POST /v1/events/batch': null,
  'DELETE /v1/events/:id': null,
  'PUT /v1/event-types/:type': null,
  'DELETE /v1/event-types/:type': null,
  'GET /v1/audit': null,
  'GET /v1/reports': null,
  'GET /v1/reports/:id': null,
  'POST /v1/portal-links': null,
  'DELETE /v1/portal-links': null,
  'POST /v1/sign-in-links': null,
  'POST /v1/projects': null,
  'GET /v1/projects': null,
  'GET /v1/projects/:id': null,
  'PATCH /v1/projects/:id': null,
  'DELETE /v1/projects/:id': null,
  'POST /v1/projects/:projectId/keys': null,
  'GET /v1/projects/:projectId/keys': null,
  'DELETE /v1/projects/:projectId/keys/:keyId': null,
  'GET /v1/catalogs': null,
  'GET /v1/catalogs/:name/event-types': null,
  'GET /v1/catalogs/:name/event-types/:type': null,
  'PUT /v1/catalogs/:name/event-types/:type': null,
  'DELETE /v1/catalogs/:name/event-types/:type': null,
};

/**
 * These are the platform's to decide: how often a webhook is tried, how the platform calls it, and what an event
 * says, even a test's.
 */
const PLATFORMS_FIELDS = ['policy', 'externalId', 'data'];

const FORBIDDEN = 'a portal link may not do this';

/** Refuses what a portal link may not do; a route that isn't in the table is refused as well. */
export function portalRights(routeOf: RouteOf): RequestHandler {
  return (req, res, next) => {
    const has = portalCapabilities(principalOf(res));
    if (has === null) {
      next();
      return;
    }
    const route = routeOf(req);
    if (!route) {
      void unknownRoute(req, res, next);
      return;
    }
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    const needed = PORTAL_RIGHTS[`${method} ${route.path}`] ?? null;
    if (needed === null) throw new ApiError('forbidden', FORBIDDEN);
    if (needed === 'manage' && has === 'read') {
      throw new ApiError('forbidden', `${FORBIDDEN} unless its capabilities are "manage"`);
    }
    next();
  };
}

/** Comes after the body has been read. */
export const portalFields: RequestHandler = (req, res, next) => {
  if (portalCapabilities(principalOf(res)) !== null) {
    const body = (req.body ?? {}) as object;
    const given = PLATFORMS_FIELDS.filter((field) => Object.hasOwn(body, field));
    if (given.length > 0) {
      throw new ApiError(
        'forbidden',
        `a portal link may not set ${given.join(' and ')}`,
        given.map((field) => ({ field, message: 'is for a key of the project to set' })),
      );
    }
  }
  next();
};
