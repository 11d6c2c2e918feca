import { DEFAULT_PROFILE, getProfile, profiles } from '../../../src/profiles';

test('a project that names no profile gets autosend', () => {
  expect(DEFAULT_PROFILE).toBe('autosend');
  expect(getProfile(DEFAULT_PROFILE).name).toBe('autosend');
});

test('a profile is found by its own name', () => {
  for (const [name, profile] of profiles) {
    expect(profile.name).toBe(name);
    expect(getProfile(name)).toBe(profile);
  }
});

test.each(['', 'AutoSend', 'constructor', '__proto__'])('there is no profile %j', (name) => {
  expect(profiles.has(name)).toBe(false);
  expect(() => getProfile(name)).toThrow(`No profile is called "${name}"; there are: autosend`);
});

describe.each([...profiles.values()])('the profile $name', (profile) => {
  test('lists each event type once', () => {
    const types = profile.events.map((event) => event.type);
    expect(new Set(types).size).toBe(types.length);
  });
});
