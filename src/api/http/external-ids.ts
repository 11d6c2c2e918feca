import { z } from 'zod';
import { isDuplicateKey } from '../../store/errors';
import { invalid, refusal, type ApiError } from './errors';

/* Projects and webhooks that callers give ids of their own, each to one at a time. */

/** `?get_if_exists=true` of what is made with an external id: answers what has it already, as it is. */
export const getIfExistsField = z
  .enum(['true', 'false'], 'must be true or false')
  .optional()
  .describe('`true`: what has the `externalId` already is answered (200), unchanged.');

/** How often a write is tried while others take its external id and give it up again. */
const TRIES = 5;

/**
 * Does what takes an external id, unless another has it; the unique index decides between two at once.
 * @param findHolder who has the external id, apart from whoever is written
 */
async function unlessTaken<T, H extends { _id: string }>(
  findHolder: () => Promise<H | null>,
  write: () => Promise<T>,
): Promise<{ done: T } | { holder: H }> {
  for (let tries = 1; ; tries += 1) {
    const holder = await findHolder();
    if (holder) return { holder };
    try {
      return { done: await write() };
    } catch (error) {
      if (!isDuplicateKey(error) || tries === TRIES) throw error;
    }
  }
}

/**
 * Makes what a body describes, or finds what has its external id already.
 * @throws ApiError 409 where it is taken and `getIfExists` isn't true; 422 where that has nothing to go by
 */
export async function createOrGet<T, H extends { _id: string }>(
  getIfExists: z.infer<typeof getIfExistsField>,
  externalId: string | null | undefined,
  find: (externalId: string) => Promise<H | null>,
  create: () => Promise<T>,
): Promise<{ done: T } | { holder: H }> {
  const isGiven = typeof externalId === 'string';
  if (getIfExists === 'true' && !isGiven) {
    throw invalid([{ field: 'externalId', message: 'is required with get_if_exists' }]);
  }
  const made = await unlessTaken(async () => (isGiven ? find(externalId) : null), create);
  if ('holder' in made && getIfExists !== 'true') throw externalIdTaken(made.holder);
  return made;
}

/** Changes what may take an external id; @throws ApiError 409 where another has it. */
export async function changeOrRefuse<T>(
  id: string,
  externalId: string | null | undefined,
  find: (externalId: string) => Promise<{ _id: string } | null>,
  change: () => Promise<T>,
): Promise<T> {
  const changed = await unlessTaken(async () => {
    const holder = typeof externalId === 'string' ? await find(externalId) : null;
    return holder?._id === id ? null : holder;
  }, change);
  if ('holder' in changed) throw externalIdTaken(changed.holder);
  return changed.done;
}

function externalIdTaken({ _id }: { _id: string }): ApiError {
  return refusal('external_id_taken', { id: _id });
}
