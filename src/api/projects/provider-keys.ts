import { z } from 'zod';
import { PROVIDER_NAMES, providers, type ProviderName } from '../../providers';
import type { Cipher, Sealed } from '../../store/cipher';
import { providerKeyOwner, type ProjectRecord } from '../../store/projects';

/* The keys with which a project's e-mail providers sign. They can be set, but never read. */

export type ProviderKeys = Partial<Record<ProviderName, string | null>>;

const MAX_LENGTH = 1000;

const keyOf = (name: ProviderName) =>
  z
    .string()
    .max(MAX_LENGTH)
    .check((ctx) => {
      const problem = providers[name].checkKey(ctx.value);
      if (problem !== null) ctx.issues.push({ code: 'custom', message: problem, input: '' });
    })
    .nullable()
    .optional();

/** `providerKeys` of a project's body: each sets one key, null removes it. */
export const providerKeysField: z.ZodType<ProviderKeys> = z.strictObject({
  resend: keyOf('resend'),
  sendgrid: keyOf('sendgrid'),
  mailgun: keyOf('mailgun'),
});

export function sealProviderKeys(
  cipher: Cipher,
  projectId: string,
  keys: ProviderKeys,
): Record<string, Sealed | null> {
  return Object.fromEntries(
    PROVIDER_NAMES.flatMap((name) => {
      const key = keys[name];
      if (key === undefined) return [];
      return [[name, key === null ? null : cipher.seal(key, providerKeyOwner(projectId, name))]];
    }),
  );
}

/** The project's key for a provider; null if it has none. */
export function openProviderKey(
  cipher: Cipher,
  project: ProjectRecord,
  name: ProviderName,
): string | null {
  const sealed = project.providerKeys?.[name] ?? null;
  return sealed === null ? null : cipher.open(sealed, providerKeyOwner(project._id, name));
}

/** Which are set: `{resend: true, sendgrid: false, mailgun: false}`. */
export function providerKeysView({ providerKeys }: ProjectRecord): Record<ProviderName, boolean> {
  const isSet = PROVIDER_NAMES.map((name) => [name, (providerKeys?.[name] ?? null) !== null]);
  return Object.fromEntries(isSet) as Record<ProviderName, boolean>;
}
