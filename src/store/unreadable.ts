import { clock } from '../clock';
import { PROVIDER_NAMES } from '../providers';
import type { Cipher } from './cipher';
import type { Store } from './store';

/**
 * Something that is encrypted with a key that this process doesn't have, if there is any. Each question is answered by
 * an index.
 * @returns one line with the settings to correct, and whether it is most of the webhooks: then the settings are wrong,
 *   rather than a key lost long ago
 */
export async function findUnreadable(
  { webhooks, projects }: Pick<Store, 'webhooks' | 'projects'>,
  { keyIds }: Cipher,
) {
  // Of those that have one: with `$exists` each document would be read.
  const keyId = { $gt: '', $nin: keyIds };
  const unreadable = { secrets: { $elemMatch: { keyId, expiresAt: null } } };
  const ofSecret = await webhooks.model.exists(unreadable);
  const ofHeaders = await webhooks.model.exists({ ...ofSecret, 'headers.keyId': keyId });
  const webhook = ofSecret ?? ofHeaders;
  if (webhook) {
    const kept = await webhooks.model.countDocuments({ 'secrets.keyId': { $in: keyIds } });
    // With wrong settings one is enough.
    const lost = await webhooks.model.countDocuments(unreadable, { limit: kept + 1 });
    const lacks = [ofSecret && 'rotate its secret', ofHeaders && 'set its headers again'];
    const ifLost = `${lacks.filter(Boolean).join(' and ')}, or delete it`;
    return { message: because(`the webhook ${webhook._id}`, ifLost), isMost: lost > kept };
  }
  for (const name of PROVIDER_NAMES) {
    const project = await projects.model.exists({
      [`providerKeys.${name}.keyId`]: keyId,
      deletedAt: null,
    });
    if (project) {
      const what = `the provider key ${name} of the project ${project._id}`;
      const ifLost = 'set that provider key again, or remove it';
      return { message: because(what, ifLost), isMost: false };
    }
  }
  // Attempts are signed without it: only a receiver that has no other misses it.
  const live = { $gt: clock.now() };
  const rotated = await webhooks.model.exists({
    secrets: { $elemMatch: { keyId, expiresAt: live } },
  });
  if (rotated) {
    const what = `the former secret of the webhook ${rotated._id}`;
    const ifLost = 'have its receiver verify with the current secret only';
    return { message: because(what, ifLost), isMost: false };
  }
  return null;
}

const because = (what: string, ifLost: string): string =>
  `POSTHORN_ENCRYPTION_KEY: ${what} was encrypted with a key that is neither this one nor among POSTHORN_FORMER_ENCRYPTION_KEYS; correct the settings, or, if that key is lost, ${ifLost}`;
