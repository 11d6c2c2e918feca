import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { type ClientRateLimitInfo, ipKeyGenerator } from 'express-rate-limit';
import { rateLimited } from './errors';
import { Windows } from './windows';

const WINDOW_MS = 60_000;
/** How many failures one address may have for each guess that it may make: each costs a look-up in MongoDB. */
const FAILURES_PER_GUESS = 10;

/**
 * Slows down guessing: an address that has asked too often within a minute for what doesn't exist is refused until
 * the minute is over, whatever it asks for. Only failures count, and only for their own address (IPv6: its /56).
 * Asking for the same thing again is not another guess: a program that goes on with a revoked key holds up only
 * itself, not the others at its address. So nobody can lock out others except by guessing, or behind a proxy that
 * POSTHORN_TRUSTED_PROXIES doesn't count.
 */
export class FailedLookups {
  private readonly failures = new Windows(WINDOW_MS);
  private readonly guesses = new Windows(WINDOW_MS);
  private readonly repetitions = new Windows(WINDOW_MS);

  /**
   * @param limit of one address, per minute
   * @param what is looked up, for error messages
   */
  constructor(
    private readonly limit: number,
    private readonly what: string,
  ) {}

  /**
   * Called before anything is looked up, or else a right guess would still be recognisable; and for keys again
   * after one was found, since concurrent requests are all checked before the first is counted.
   * @throws ApiError 429
   */
  async check(req: Request, asked: string): Promise<void> {
    const address = addressOf(req);
    for (const [failed, limit] of [
      [await this.failures.get(address), FAILURES_PER_GUESS * this.limit],
      [await this.guesses.get(address), this.limit],
      [await this.repetitions.get(nameOf(req, asked)), this.limit],
    ] as const) {
      if (failed && failed.totalHits >= limit) throw this.tooMany(failed);
    }
  }

  /** @throws ApiError 429, if it is one too many */
  async count(req: Request, asked: string): Promise<void> {
    const address = addressOf(req);
    await this.failures.increment(address);
    const repeated = await this.repetitions.increment(nameOf(req, asked));
    const failed = repeated.totalHits === 1 ? await this.guesses.increment(address) : repeated;
    if (failed.totalHits > this.limit) throw this.tooMany(failed);
  }

  private tooMany({ resetTime }: ClientRateLimitInfo): Error {
    const waitMs = (resetTime?.getTime() ?? 0) - Date.now();
    return rateLimited(waitMs, `too many ${this.what} from this address; see Retry-After`);
  }
}

/** Some proxies add the port to `X-Forwarded-For`: another one for each connection. */
const WITH_PORT = /^\[(.+)\](?::\d+)?$|^([\d.]+):\d+$/;

const addressOf = ({ ip = '' }: Request): string => ipKeyGenerator(ip.replace(WITH_PORT, '$1$2'));

/** What was asked for may be a secret of another system. */
const nameOf = (req: Request, asked: string): string =>
  `${addressOf(req)} ${createHash('sha256').update(asked).digest('base64')}`;
