import { z } from 'zod';
import { clock } from '../../clock';
import { MINUTE_MS } from '../../domain/durations';
import { profiles } from '../../profiles';
import type { Payload } from '../../domain/json-text';
import { payloadField } from '../http/body';

/** An event as a caller posts it. */
export interface PostedEvent {
  type: string;
  data: Pick<Payload, 'text'>;
  /** ISO 8601 with a zone. */
  createdAt?: string;
}

/** Clocks differ; an event from further ahead than this is a mistake. */
const MAX_AHEAD_MS = 5 * MINUTE_MS;
const OLDEST = Date.parse('2000-01-01T00:00:00Z');

/** The parts of an event that a caller may give, as it gives them. */
const partsAt = (now: () => Date) => ({
  type: z.string(),
  workspace: z.string(),
  createdAt: z.iso.datetime({ offset: true }).refine((text) => {
    const at = Date.parse(text);
    return at >= OLDEST && at <= now().getTime() + MAX_AHEAD_MS;
  }, 'must lie between 2000-01-01 and five minutes from now'),
  data: payloadField,
});
type Part = keyof ReturnType<typeof partsAt>;

/** Our own names, which every project's events may be posted by. */
const OWN: Readonly<Record<string, Part>> = {
  type: 'type',
  data: 'data',
  createdAt: 'createdAt',
};
const REQUIRED: ReadonlySet<Part> = new Set(['type', 'data']);

/**
 * An event as it may be posted, by our names or by those of its profile's envelope; what both say must
 * be the same.
 * @param workspace what the envelope may call the project
 * @param now MongoDB's time, where this process doesn't know it
 */
export function postedEvent(
  envelope: Readonly<Record<string, Part>>,
  workspace?: readonly string[],
  now: () => Date = () => clock.now(),
): z.ZodType<PostedEvent> {
  const parts = partsAt(now);
  const names = Object.entries({ ...OWN, ...envelope });
  const shape = names.map(([name, part]) => [name, parts[part].optional()] as const);
  return z.strictObject(Object.fromEntries(shape)).transform((posted, ctx) => {
    const given: Partial<Record<Part, unknown>> = {};
    const refuse = (name: string, message: string): void => {
      ctx.issues.push({ code: 'custom', path: [name], message, input: posted });
    };
    for (const [name, part] of names) {
      const value = posted[name];
      if (value === undefined) continue;
      if (given[part] === undefined) given[part] = value;
      else if (given[part] !== value) {
        const own = names.find((other) => other[1] === part)![0];
        refuse(name, `says something else than ${own}; give one of the two`);
      }
      if (part === 'workspace' && workspace && !workspace.includes(value as string)) {
        refuse(name, `is not this project, which is ${workspace[0]}`);
      }
    }
    for (const part of REQUIRED) {
      const own = names.filter((other) => other[1] === part).map(([name]) => name);
      if (given[part] === undefined) refuse(own[0]!, requiredAs(own));
    }
    const { type, data, createdAt } = given as Partial<PostedEvent>;
    // Without data it's refused already.
    return {
      type: type!,
      data: { text: data?.text ?? '' },
      ...(createdAt !== undefined && { createdAt }),
    };
  });
}

const requiredAs = ([own, ...others]: readonly string[]): string =>
  others.length === 0 ? 'is required' : `is required, as ${[own, ...others].join(' or ')}`;

/** The names of all profiles, of which a project takes its own profile's. */
export const eventBody = postedEvent(
  Object.assign({}, ...[...profiles.values()].map(({ envelope }) => envelope)) as Record<
    string,
    Part
  >,
);
