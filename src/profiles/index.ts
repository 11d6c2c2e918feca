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

/** The profile of a project that names none (docs/contract.md, 1.1). */
export const DEFAULT_PROFILE = autosend.name;

/** Every profile by its name: what `POST /v1/projects {profile}` may say. */
export const profiles: ReadonlyMap<string, Profile> = new Map(
  [autosend, platform, emailsendx, ahasend, custom].map((profile) => [profile.name, profile]),
);

/** The profile of a stored project; names from outside are checked with `profiles.has` first. */
export function getProfile(name: string): Profile {
  const profile = profiles.get(name);
  if (!profile) {
    throw new Error(
      `No profile is called "${name}"; there are: ${[...profiles.keys()].join(', ')}`,
    );
  }
  return profile;
}
