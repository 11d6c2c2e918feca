import { Router, type RequestHandler } from 'express';
import { getProfile, profiles } from '../../profiles';
import { principalOf } from '../http/auth';
import { ApiError } from '../http/errors';
import { inboundRouter } from './inbound';
import { manageRouter, type ManageDependencies } from './manage';

/** These routes are only for projects whose profile accepts providers' events. */
const withProviderEvents: RequestHandler = (_req, res, next) => {
  const { project } = principalOf(res);
  if (project && getProfile(project.profile).providerEvents === null) {
    const taking = [...profiles.values()].filter(({ providerEvents }) => providerEvents !== null);
    const names = taking.map(({ name }) => name).join(' or ');
    throw new ApiError(
      'not_found',
      `this route is only for projects of the profile ${names}; this project's profile is ${project.profile}, whose routes are under /v1`,
    );
  }
  next();
};

/** `/api/webhooks` (docs/contract.md, 6): the routes of the platform that Posthorn replaces. */
export function platformRouter(deps: ManageDependencies): Router {
  const router = Router();
  router.use(withProviderEvents);
  router.use('/manage', manageRouter(deps));
  router.use('/', inboundRouter(deps));
  return router;
}
