import type { Logger } from 'pino';
import { StartError } from '../start-error';
import type { Cipher, Sealed } from './cipher';
import { providerKeyOwner } from './projects';
import type { Store } from './store';
import { headersOwner } from './webhook-headers';

/**
 * Seals everything that is sealed with a former key with the current one. Each box is replaced only if it is
 * still the one that was read, so running processes may keep changing webhooks, and this may be killed and
 * run again, or twice at once. It ends when a pass finds nothing more to do.
 * @returns how many boxes were resealed
 * @throws StartError if some can't be opened, after all others were sealed again
 */
export async function rotateKey(store: Store, cipher: Cipher, log: Logger): Promise<number> {
  let resealed = 0;
  for (;;) {
    const { replaced, unreadable } = await pass(store, cipher, log);
    resealed += replaced;
    if (replaced > 0) continue;
    if (unreadable > 0) {
      const those = unreadable === 1 ? '1 encrypted value' : `${unreadable} encrypted values`;
      throw new StartError(
        `POSTHORN_FORMER_ENCRYPTION_KEYS: ${those} can't be decrypted, as the log names them; add the key that encrypted them, and run rotate-key again`,
      );
    }
    log.info({ resealed }, 'key rotated');
    return resealed;
  }
}

/** Not all with one cursor: MongoDB would close it while it waits for the changes. */
const IN_PAGES = { sort: { _id: 1 }, limit: 500 } as const;

/** @param find reads some documents with ids after that one, in their order */
async function* inPages<T extends { _id: string }>(
  find: (after: string) => PromiseLike<T[]>,
): AsyncGenerator<T> {
  for (let page = await find(''); page.length > 0; page = await find(page.at(-1)!._id)) yield* page;
}

async function pass(
  { webhooks, projects }: Store,
  cipher: Cipher,
  log: Logger,
): Promise<{ replaced: number; unreadable: number }> {
  let replaced = 0;
  let unreadable = 0;

  async function reseal(
    sealed: Sealed | null,
    owner: string,
    replace: (sealed: Sealed) => PromiseLike<{ modifiedCount: number }>,
  ): Promise<void> {
    if (sealed === null) return;
    let again: Sealed | null;
    try {
      again = cipher.reseal(sealed, owner);
    } catch {
      unreadable += 1;
      log.error({ owner, keyId: sealed.keyId }, 'a sealed value could not be opened');
      return;
    }
    if (again) replaced += (await replace(again)).modifiedCount;
  }

  const boxes = { secrets: 1, headers: 1 };
  const webhooksAfter = (_id: string) =>
    webhooks.model.find({ _id: { $gt: _id } }, boxes, IN_PAGES).lean();
  for await (const { _id, secrets, headers } of inPages(webhooksAfter)) {
    for (const secret of secrets) {
      await reseal(secret, _id, ({ keyId, box }) =>
        webhooks.model.updateOne(
          { _id, 'secrets.box': secret.box },
          { $set: { 'secrets.$.keyId': keyId, 'secrets.$.box': box } },
          { timestamps: false },
        ),
      );
    }
    await reseal(headers, headersOwner(_id), (sealed) =>
      webhooks.model.updateOne(
        { _id, 'headers.box': headers!.box },
        { $set: { headers: sealed } },
        { timestamps: false },
      ),
    );
  }
  const projectsAfter = (_id: string) =>
    projects.model.find({ _id: { $gt: _id } }, { providerKeys: 1 }, IN_PAGES).lean();
  for await (const { _id, providerKeys } of inPages(projectsAfter)) {
    for (const [name, key] of Object.entries(providerKeys ?? {})) {
      const field = `providerKeys.${name}`;
      await reseal(key, providerKeyOwner(_id, name), (sealed) =>
        projects.model.updateOne(
          { _id, [`${field}.box`]: key!.box },
          { $set: { [field]: sealed } },
          { timestamps: false },
        ),
      );
    }
  }
  return { replaced, unreadable };
}
