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

/** Whether a webhook subscribed to `patterns` gets events of `type`. */
export function isSubscribed(patterns: readonly string[], type: string): boolean {
  return patternsFor(type).some((pattern) => patterns.includes(pattern));
}

/** Whether `pattern` can match at least one of `types`, or is `*`, and so may be subscribed to. */
export function isKnownPattern(pattern: string, types: readonly string[]): boolean {
  return pattern === '*' || types.some((type) => isSubscribed([pattern], type));
}
