import type { z } from 'zod';
import { getProfile } from '../../../src/profiles';

/** The fields that a schema refuses in `data`, dotted; empty: `data` is valid; `''`: it as a whole. */
export function problemPaths(schema: z.ZodType, data: unknown): string[] {
  const { error } = schema.safeParse(data);
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [...issue.path, key].join('.'))
      : [issue.path.join('.')],
  );
}

/** The same for a profile's event type and its sample with some fields changed; undefined: missing. */
export function problemsOfSample(
  profile: string,
  type: string,
  changes: Record<string, unknown>,
): string[] {
  const event = getProfile(profile).events.find((known) => known.type === type);
  if (!event) throw new Error(`${profile} has no event type ${type}`);
  const data = Object.fromEntries(
    Object.entries({ ...event.sample, ...changes }).filter(([, value]) => value !== undefined),
  );
  return problemPaths(event.data, data);
}
