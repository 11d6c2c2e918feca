import type { RequestParamHandler } from 'express';
import { externalIdIn } from '../../contracts/ids';
import type { Store } from '../../store/store';
import { principalOf } from './auth';
import { findProject, findWebhook } from './references';

/**
 * Replaces `ext:…` in the path with the id, before any handler sees it. An unknown one stays, and is answered
 * like an id that doesn't exist, after the checks of the role.
 */
export const projectParam =
  (store: Store): RequestParamHandler =>
  async (req, _res, next, reference: string, name) => {
    const project =
      externalIdIn(reference) === undefined ? null : await findProject(store, reference);
    if (project) req.params[name] = project._id;
    next();
  };

/** The same for the webhooks of the request's project. */
export const webhookParam =
  (store: Store): RequestParamHandler =>
  async (req, res, next, reference: string, name) => {
    const { project } = principalOf(res);
    const webhook =
      project && externalIdIn(reference) !== undefined
        ? await findWebhook(store, project, reference)
        : null;
    if (webhook) req.params[name] = webhook._id;
    next();
  };
