import { clock } from '../clock';
import { PROVIDER_NAMES } from '../providers';
import type { Cipher } from './cipher';
import type { Store } from './store';

/**
 * Whether anything is encrypted with a key that this process doesn't have. Each question is answered by an index.
 * @returns what, in one line with the settings to correct; null: nothing
 */
export async function whyUnreadable(
  { webhooks, projects }: Pick<Store, 'webhooks' | 'projects'>,
  { keyIds }: Cipher,
): Promise<string | null> {
  // Of those that have one: with `$exists` each document would be read.
  const keyId = { $gt: '', $nin: keyIds };
  // An ended one signs nothing any more.
  const live = { $not: { $lte: clock.now() } };
  const webhook =
    (await webhooks.model.exists({ secrets: { $elemMatch: { keyId, expiresAt: live } } })) ??
    (await webhooks.model.exists({ 'headers.keyId': keyId }));
  if (webhook) {
    return because(
      `the webhook ${webhook._id}`,
      'rotate its secret and set its headers again, or delete it',
    );
  }
  for (const name of PROVIDER_NAMES) {
    const project = await projects.model.exists({ [`providerKeys.${name}.keyId`]: keyId });
    if (project) {
      return because(
        `the provider key ${name} of the project ${project._id}`,
        'set that provider key again, or remove it',
      );
    }
  }
  return null;
}

const because = (what: string, ifLost: string): string =>
  `POSTHORN_ENCRYPTION_KEY: ${what} was encrypted with a key that is neither this one nor among POSTHORN_FORMER_ENCRYPTION_KEYS; correct the settings, or, if that key is lost, ${ifLost}`;
