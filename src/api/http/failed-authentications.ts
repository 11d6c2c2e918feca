import type { Request } from 'express';
import { type ClientRateLimitInfo, ipKeyGenerator } from 'express-rate-limit';
import { rateLimited, type ApiError } from './errors';
import { Windows } from './windows';

const WINDOW_MS = 60_000;

/**
 * Slows down guessing of keys: an address that has sent too many wrong ones within a minute is refused until
 * the minute is over, whatever it sends. Only wrong keys count, and only for their own address (IPv6: its
 * /56), so nobody can lock out others, unless they share a proxy that POSTHORN_TRUSTED_PROXIES doesn't count.
 */
export class FailedAuthentications {
  private readonly store = new Windows(WINDOW_MS);

  /** @param limit wrong keys per minute from one address */
  constructor(private readonly limit: number) {}

  /**
   * Before the key is checked, or a right guess would still be recognisable; and once more after a wrong one
   * was found, since concurrent requests are all checked before the first is counted.
   * @throws ApiError 429
   */
  async check(req: Request): Promise<void> {
    const failed = await this.store.get(addressOf(req));
    if (failed && failed.totalHits >= this.limit) throw tooMany(failed);
  }

  /** @throws ApiError 429, if it is one too many */
  async count(req: Request): Promise<void> {
    const failed = await this.store.increment(addressOf(req));
    if (failed.totalHits > this.limit) throw tooMany(failed);
  }
}

function tooMany({ resetTime }: ClientRateLimitInfo): ApiError {
  const waitMs = (resetTime?.getTime() ?? 0) - Date.now();
  return rateLimited(waitMs, 'too many wrong keys from this address; see Retry-After');
}

const addressOf = ({ ip }: Request): string => ipKeyGenerator(ip ?? '');
