/*
 * Everything that the dashboard says, in one catalogue, an area a file: a translation replaces these files and
 * nothing else. Texts with figures are functions.
 */
import { PORTAL_PROJECT } from './portal-project';
import { all } from './texts/all';
import { customers } from './texts/customers';

/** With some of them replaced. */
function replacing<T extends object>(texts: T, others: object): T {
  const merged = { ...texts } as Record<string, unknown>;
  for (const [name, other] of Object.entries(others)) {
    const text = merged[name];
    const isGroup = typeof text === 'object' && text !== null;
    merged[name] = isGroup ? replacing(text, other as object) : other;
  }
  return merged as T;
}

/** In the portal, a customer reads some of them in other words. */
export const texts: typeof all = PORTAL_PROJECT === null ? all : replacing(all, customers);
