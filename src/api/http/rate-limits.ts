import type { RequestHandler } from 'express';
import { principalOf } from './auth';
import { rateLimited, refusal } from './errors';
import { Windows } from './windows';

const WINDOW_MS = 60_000;

/**
 * Limits the requests of a minute by key, and by project unless its key is refused; so only after `authenticate`.
 * Answers say how many are left for the key, in the headers of the IETF's draft 7.
 */
export function rateLimits(limits: {
  rateLimitPerMinute: number;
  projectRateLimitPerMinute: number;
}): RequestHandler {
  const { rateLimitPerMinute: ofKey, projectRateLimitPerMinute: ofProject } = limits;
  const keys = new Windows(WINDOW_MS);
  const projects = new Windows(WINDOW_MS);
  const policy = `${ofKey};w=${WINDOW_MS / 1000}`;
  return (_req, res, next) => {
    const { keyId, role, project } = principalOf(res);
    const { hits, leftMs } = keys.count(keyId);
    const left = Math.max(0, ofKey - hits);
    res.setHeader('RateLimit-Policy', policy);
    res.setHeader(
      'RateLimit',
      `limit=${ofKey}, remaining=${left}, reset=${Math.ceil(leftMs / 1000)}`,
    );
    if (hits > ofKey) throw rateLimited(leftMs, refusal('rate_limited').message);
    // The admin's requests for a project don't count for it.
    if (role !== 'admin') {
      const own = projects.count(project!._id);
      if (own.hits > ofProject) {
        const message = 'too many requests with the keys of this project; see Retry-After';
        throw rateLimited(own.leftMs, message);
      }
    }
    next();
  };
}
