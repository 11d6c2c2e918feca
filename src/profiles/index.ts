import { autosend } from './autosend';
import type { Profile } from './profile';

export { dataProblems, type DataProblem } from './data-problems';
export type { EnvelopeInput, EventTypeDefinition, Profile } from './profile';

/** The profile of a project that names none (contract, section 1). */
export const DEFAULT_PROFILE = autosend.name;

/** Every profile by its name: what `POST /v1/projects {profile}` may say. */
export const profiles: ReadonlyMap<string, Profile> = new Map(
  [autosend].map((profile) => [profile.name, profile]),
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
