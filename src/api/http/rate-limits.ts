import type { RequestHandler } from 'express';
import { rateLimit, type AugmentedRequest } from 'express-rate-limit';
import { principalOf, shareOf } from './auth';
import { rateLimited, refusal } from './errors';
import { Windows } from './windows';

const WINDOW_MS = 60_000;

export interface RateLimits {
  rateLimitPerMinute: number;
  projectRateLimitPerMinute: number;
}

/** Counts by key, and, unless refused, by project; so only after `authenticate`. */
export function rateLimits({
  rateLimitPerMinute,
  projectRateLimitPerMinute,
}: RateLimits): RequestHandler[] {
  const perMinute = { windowMs: WINDOW_MS, legacyHeaders: false } as const;
  return [
    rateLimit({
      ...perMinute,
      store: new Windows(WINDOW_MS),
      limit: rateLimitPerMinute,
      keyGenerator: (_req, res) => principalOf(res).keyId,
      standardHeaders: 'draft-7',
      handler: () => {
        throw refusal('rate_limited');
      },
    }),
    rateLimit({
      ...perMinute,
      store: new Windows(WINDOW_MS),
      limit: projectRateLimitPerMinute,
      // The admin's requests for a project don't count for it.
      skip: (_req, res) => principalOf(res).role === 'admin',
      keyGenerator: (_req, res) => shareOf(principalOf(res)),
      handler: (req) => {
        const { resetTime } = (req as AugmentedRequest).rateLimit!;
        const waitMs = (resetTime?.getTime() ?? 0) - Date.now();
        const message = 'too many requests with the keys of this project; see Retry-After';
        throw rateLimited(waitMs, message);
      },
    }),
  ];
}
