import { isOperational } from '../contracts/operational';

/**
 * The patterns that match events of `type`: `*` is all, `email.*` a family, anything else one exact type.
 * Operational events are matched only by their exact names.
 */
export function patternsFor(type: string): string[] {
  if (isOperational(type)) return [type];
  const families = [...type.matchAll(/\./g)].map(({ index }) => `${type.slice(0, index)}.*`);
  return ['*', ...families, type];
}

/** Whether it is one of `patternsFor(type)`. */
function matches(pattern: string, type: string): boolean {
  if (pattern === type) return true;
  if (isOperational(type)) return false;
  return pattern === '*' || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)));
}

/** Whether a webhook subscribed to `patterns` gets events of `type`. */
export function isSubscribed(patterns: readonly string[], type: string): boolean {
  return patterns.some((pattern) => matches(pattern, type));
}

/** Whether `pattern` can match at least one of `types`, or is `*`, and so may be subscribed to. */
export function isKnownPattern(pattern: string, types: readonly string[]): boolean {
  return pattern === '*' || types.some((type) => matches(pattern, type));
}
