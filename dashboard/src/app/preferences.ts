import { useSyncExternalStore } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export const ZONES = ['local', 'utc'] as const;

/** What somebody prefers in this browser. Nothing of it is secret. */
export interface Preferences {
  theme: (typeof THEMES)[number];
  zone: (typeof ZONES)[number];
  /** The admin's choice in this tab; one that is opened begins with what was opened last in any. */
  projectId: string | null;
}

const STORED_AS = 'posthorn.preferences';
const DEFAULTS: Preferences = { theme: 'system', zone: 'local', projectId: null };

const listeners = new Set<() => void>();
let current = DEFAULTS;
current = stored();

function stored(): Preferences {
  try {
    const found = storedIn(localStorage);
    const { projectId = found.projectId } = storedIn(sessionStorage);
    return {
      theme: THEMES.find((theme) => theme === found.theme) ?? DEFAULTS.theme,
      zone: ZONES.find((zone) => zone === found.zone) ?? DEFAULTS.zone,
      projectId: typeof projectId === 'string' ? projectId : null,
    };
  } catch {
    // Storage is blocked, as in some frames, or holds something else.
    return current;
  }
}

function storedIn(storage: Storage): Partial<Preferences> {
  return JSON.parse(storage.getItem(STORED_AS) ?? '{}') as Partial<Preferences>;
}

export function setPreferences(changes: Partial<Preferences>): void {
  if (changes.theme) forced = null;
  // Another tab may have stored something since this one read it.
  current = { ...stored(), projectId: current.projectId, ...changes };
  try {
    for (const storage of [localStorage, sessionStorage]) {
      storage.setItem(STORED_AS, JSON.stringify(current));
    }
  } catch {
    // It lasts as long as the page, then.
  }
  showTheme();
  for (const tell of listeners) tell();
}

export const usePreferences = (): Preferences =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );

/** In place of the preference, in this page only. */
let forced: Preferences['theme'] | null = null;

export function forceTheme(theme: Preferences['theme']): void {
  forced = theme;
  showTheme();
}

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

function showTheme(): void {
  const theme = forced ?? current.theme;
  const isDark = theme === 'dark' || (theme === 'system' && systemIsDark.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}

/** Shows the theme, and follows the system's. */
export function beginTheme(): void {
  showTheme();
  systemIsDark.addEventListener('change', showTheme);
}
