import { ahasend } from './ahasend';
import { autosend } from './autosend';
import { custom } from './custom';
import { emailsendx } from './emailsendx';
import { platform } from './platform';
import type { Profile } from './profile';

export { writeEnvelope } from './envelope';
export { operationalEvents, type OperationalData } from './operational';
export type {
  EnvelopeInput,
  EventTypeDefinition,
  Profile,
  ProviderEvent,
  ProviderEvents,
} from './profile';

/** The default profile of a project (docs/contract.md, 1.1). */
export const DEFAULT_PROFILE = autosend.name;

/** Every profile by its name: the values of `profile` in `POST /v1/projects`. */
export const profiles: ReadonlyMap<string, Profile> = new Map(
  [autosend, platform, emailsendx, ahasend, custom].map((profile) => [profile.name, profile]),
);

/** The event type that a caller means: by its own name, or by the profile's short one. */
export const typeNamed = ({ aliases }: Profile, name: string): string => aliases.get(name) ?? name;

/** Whether a project of the profile may have webhooks on that plan. */
export const allowsWebhooks = ({ plansWithoutWebhooks }: Profile, plan: string | null): boolean =>
  !plansWithoutWebhooks.includes((plan ?? '').trim().toLowerCase());

/** The profile of a stored project; names from outside are checked with `profiles.has` first. */
export function getProfile(name: string): Profile {
  const profile = profiles.get(name);
  if (!profile) {
    throw new Error(`There is no profile "${name}"; there are: ${[...profiles.keys()].join(', ')}`);
  }
  return profile;
}
