import { Router, type RequestHandler } from 'express';
import { getProfile } from '../../profiles';
import { principalOf } from '../auth';
import { unknownRoute } from '../errors';
import { inboundRouter, type InboundDependencies } from './inbound';
import { manageRouter, type ManageDependencies } from './manage';

/** For projects whose profile takes no providers' events these routes don't exist. */
const withProviderEvents: RequestHandler = (req, res, next) => {
  const { project } = principalOf(res);
  if (project && getProfile(project.profile).providerEvents === null) unknownRoute(req, res, next);
  else next();
};

/** `/api/webhooks` (contract, section 6): the routes of the platform that Posthorn stands in for. */
export function platformRouter(deps: InboundDependencies & ManageDependencies): Router {
  const router = Router();
  router.use(withProviderEvents);
  router.use('/manage', manageRouter(deps));
  router.use('/', inboundRouter(deps));
  return router;
}
