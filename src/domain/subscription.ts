import { isOperational } from '../contracts/operational';

/**
 * Whether a webhook subscribed to `patterns` gets events of `type`: `*` is all, `email.*` a family,
 * anything else one exact type. Operational events are got by their exact names alone.
 */
export function isSubscribed(patterns: readonly string[], type: string): boolean {
  if (isOperational(type)) return patterns.includes(type);
  return patterns.some(
    (pattern) =>
      pattern === '*' ||
      pattern === type ||
      (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
}

/** Whether `pattern` can match at least one of `types`, or is `*`: what may be subscribed to. */
export function isKnownPattern(pattern: string, types: readonly string[]): boolean {
  return pattern === '*' || types.some((type) => isSubscribed([pattern], type));
}
