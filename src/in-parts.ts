import { setImmediate as nextTurn } from 'node:timers/promises';

/** How many of a caller's items are worked at in one turn of the event loop, for which everybody else waits. */
export const PART = 500;

export function partsOf<T>(items: readonly T[], size = PART): (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, n) => items.slice(n * size, (n + 1) * size));
}

/** `Array.map`, in which others have their turns. */
export async function mapInParts<T, R>(items: readonly T[], map: (item: T) => R): Promise<R[]> {
  const mapped: R[] = [];
  for (const part of partsOf(items)) {
    if (mapped.length > 0) await nextTurn();
    mapped.push(...part.map((item) => map(item)));
  }
  return mapped;
}
