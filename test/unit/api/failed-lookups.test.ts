import type { Request } from 'express';
import { FailedLookups } from '../../../src/api/http/failed-lookups';

const LIMIT = 20;
const at = (ip: string): Request => ({ ip }) as Request;

it('bounds what one address costs by a few guesses, repeated', async () => {
  const lookups = new FailedLookups(LIMIT, 'wrong keys');
  const from = at('203.0.113.1');
  for (let n = 0; n < 10 * LIMIT; n += 1) {
    const guess = `guess ${n % (LIMIT - 1)}`;
    await lookups.check(from, guess);
    await lookups.count(from, guess);
  }
  await expect(lookups.check(from, 'another')).rejects.toMatchObject({ code: 'rate_limited' });
  await expect(lookups.check(at('203.0.113.2'), 'another')).resolves.toBeUndefined();
});
