import { useSyncExternalStore } from 'react';
import { forceTheme, THEMES } from '../preferences';
import { readable, toRgb } from './contrast';
import { onParentMessage } from './parent';

/** How the embedding page wants the portal to look. What is not understood is left as it is. */
export interface PortalTheme {
  mode?: (typeof THEMES)[number];
  /** CSS colours. */
  accent?: string;
  ground?: string;
  surface?: string;
  text?: string;
  /** Families that the visitor's system has, as in CSS. */
  font?: string;
  /** Of one of the project's `portalOrigins`, or `data:`. */
  logo?: string;
  /** Whose portal it is. */
  name?: string;
}

const FONT = /^[\w\s'",-]{1,200}$/;
const MAX_NAME = 80;
const COLOURS = ['ground', 'surface', 'text'] as const;

let brand: { logo: string | null; name: string | null } = { logo: null, name: null };
let chosen: PortalTheme = {};
const listeners = new Set<() => void>();

export const useBrand = (): typeof brand =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => brand,
  );

function apply(theme: PortalTheme): void {
  chosen = theme;
  if (THEMES.some((mode) => mode === theme.mode)) forceTheme(theme.mode!);
  show();
  const { logo, name } = theme;
  brand = {
    logo: typeof logo === 'string' && /^(https?:|data:image\/)/.test(logo) ? logo : null,
    name: typeof name === 'string' && name !== '' ? name.slice(0, MAX_NAME) : null,
  };
  for (const tell of listeners) tell();
}

/** Sets the design's colours and font; texts in the accent's colour stay readable on any ground. */
function show(): void {
  const { style } = document.documentElement;
  const set = (name: string, value: string | null): void => {
    if (value === null) style.removeProperty(name);
    else style.setProperty(name, value);
  };
  for (const name of COLOURS) {
    const value = chosen[name];
    set(`--${name}`, typeof value === 'string' && toRgb(value) ? value : null);
  }
  const accent = typeof chosen.accent === 'string' && toRgb(chosen.accent) ? chosen.accent : null;
  const computed = getComputedStyle(document.documentElement);
  const ground = computed.getPropertyValue('--surface');
  const text = computed.getPropertyValue('--text');
  set('--accent', accent);
  set('--accent-hover', accent && `color-mix(in srgb, ${accent} 88%, ${text})`);
  set('--accent-soft', accent && `color-mix(in srgb, ${accent} 12%, ${ground})`);
  set('--accent-text', accent && readable(accent, ground, text));
  set('--on-accent', accent && readable('#ffffff', accent, '#000000'));
  const { font } = chosen;
  set('--sans', typeof font === 'string' && FONT.test(font) ? `${font}, sans-serif` : null);
}

/** Shows the theme of the page's address, and each that the embedding page sends. */
export function followTheme(given: string | null): void {
  // The colours derived from others change with light and dark.
  new MutationObserver(show).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  try {
    if (given !== null) apply(JSON.parse(given) as PortalTheme);
  } catch {
    // It looks as it does without one.
  }
  onParentMessage('theme', ({ theme }) => {
    if (typeof theme === 'object' && theme !== null) apply(theme);
  });
}
