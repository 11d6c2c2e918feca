import type { Request, RequestHandler, Response } from 'express';
import { rateLimit, type RateLimitInfo } from 'express-rate-limit';
import type { Config } from '../../config/config';
import { ERRORS } from '../../contracts/errors';
import { principalOf, shareOf } from './auth';
import { rateLimited } from './errors';
import { Windows } from './windows';

const WINDOW_MS = 60_000;

/** The property of a request at which each limit's state is. */
interface Counted {
  keyLimit?: RateLimitInfo;
  projectLimit?: RateLimitInfo;
}

/** Counts by key, and, unless refused, by project; so only after `authenticate`. */
export function rateLimits({
  rateLimitPerMinute,
  projectRateLimitPerMinute,
}: Pick<Config, 'rateLimitPerMinute' | 'projectRateLimitPerMinute'>): RequestHandler[] {
  const perMinute = {
    windowMs: WINDOW_MS,
    legacyHeaders: false,
    standardHeaders: false,
  } as const;
  return [
    rateLimit({
      ...perMinute,
      store: new Windows(WINDOW_MS),
      limit: rateLimitPerMinute,
      keyGenerator: (_req, res) => principalOf(res).keyId,
      requestPropertyName: 'keyLimit' satisfies keyof Counted,
      handler: (req, res) => {
        const nowMs = showTighter(req, res);
        throw rateLimited(leftMs((req as Counted).keyLimit!, nowMs), ERRORS.rate_limited.message);
      },
    }),
    rateLimit({
      ...perMinute,
      store: new Windows(WINDOW_MS),
      limit: projectRateLimitPerMinute,
      // The admin's requests for a project don't count towards it.
      skip: (_req, res) => principalOf(res).role === 'admin',
      keyGenerator: (_req, res) => shareOf(principalOf(res)),
      requestPropertyName: 'projectLimit' satisfies keyof Counted,
      handler: (req, res) => {
        const nowMs = showTighter(req, res);
        const message = 'too many requests with the keys of this project; see Retry-After';
        throw rateLimited(leftMs((req as Counted).projectLimit!, nowMs), message);
      },
    }),
    (req, res, next) => {
      showTighter(req, res);
      next();
    },
  ];
}

/**
 * Tells the limit that would refuse first, as in draft 7 of the IETF's RateLimit header fields.
 * @returns the time of this, for the answer's `Retry-After` to say the same
 */
function showTighter(req: Request, res: Response): number {
  const { keyLimit, projectLimit } = req as Counted;
  const isOfProject = projectLimit && projectLimit.remaining <= keyLimit!.remaining;
  const shown = isOfProject ? projectLimit : keyLimit!;
  const { limit, remaining } = shown;
  const nowMs = Date.now();
  const reset = Math.max(0, Math.ceil(leftMs(shown, nowMs) / 1000));
  res.set('RateLimit-Policy', `${limit};w=${WINDOW_MS / 1000}`);
  res.set('RateLimit', `limit=${limit}, remaining=${remaining}, reset=${reset}`);
  return nowMs;
}

const leftMs = ({ resetTime }: RateLimitInfo, nowMs: number): number =>
  (resetTime?.getTime() ?? 0) - nowMs;
