import { z } from 'zod';
import { isDuplicateKey } from '../../store/errors';
import { invalid, refusal, type ApiError } from './errors';

/* External ids of projects and webhooks, which are unique. */

/** `?get_if_exists=true` for creating something with an external id: returns an existing one unchanged. */
export const getIfExistsField = z
  .enum(['true', 'false'], 'must be true or false')
  .optional()
  .describe('`true`: an existing one with the `externalId` is returned (200), unchanged.');

/** How often a write is retried while others take its external id and release it again. */
const TRIES = 5;

/**
 * Does a write with an external id, unless another has it; the unique index decides concurrent ones.
 * @param findHolder finds another holder of the external id
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
 * Creates what a body describes, or finds what has its external id already.
 * @throws ApiError 409 if it is taken and `getIfExists` isn't true; 422 if that is given without an external
 *   id
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

/** Makes a change that may take an external id; @throws ApiError 409 if another has it. */
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
