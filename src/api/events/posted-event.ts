import { z } from 'zod';
import { clock } from '../../clock';
import { MINUTE_MS } from '../../domain/durations';
import { profiles } from '../../profiles';
import { instant } from '../../profiles/fields';
import type { Payload } from '../../domain/json-text';
import { payloadField } from '../http/body';
import { eachRequiring } from '../http/validation';

/** An event as posted by a caller. */
export interface PostedEvent {
  type: string;
  data: Pick<Payload, 'text'>;
  /** ISO 8601 with an offset. */
  createdAt?: string;
}

/** Clocks differ; a time further in the future than this is a mistake. */
const MAX_AHEAD_MS = 5 * MINUTE_MS;
const OLDEST = Date.parse('2000-01-01T00:00:00Z');

/** What an event is checked against besides its shape. */
export interface About {
  /** The ids that the envelope may have for the project; undefined: any. */
  workspaces?: readonly string[];
  /** MongoDB's time. */
  now: () => Date;
}

/** The parts of an event that a caller may give, as given. */
const partsOf = (about: () => About) => ({
  type: z.string(),
  workspace: z.string(),
  createdAt: instant.refine((text) => {
    const at = Date.parse(text);
    return at >= OLDEST && at <= about().now().getTime() + MAX_AHEAD_MS;
  }, 'must be between 2000-01-01 and five minutes from now'),
  data: payloadField,
});
type Part = keyof ReturnType<typeof partsOf>;

/** Our own names, which every project may use. */
const OWN: Readonly<Record<string, Part>> = {
  type: 'type',
  data: 'data',
  createdAt: 'createdAt',
};
const REQUIRED: ReadonlySet<Part> = new Set(['type', 'data']);

/**
 * An event as it may be posted, with our names or those of its profile's envelope; if both are given, they
 * must agree.
 * @param about asked when one is checked: making a schema costs many times as much as using it
 */
export function postedEvent(
  envelope: Readonly<Record<string, Part>>,
  about: () => About = () => ({ now: () => clock.now() }),
): z.ZodType<PostedEvent> {
  const parts = partsOf(about);
  const names = Object.entries({ ...OWN, ...envelope });
  const namesOf = (wanted: Part): string[] =>
    names.filter(([, part]) => part === wanted).map(([name]) => name);
  const shape = names.map(([name, part]) => [name, parts[part].optional()] as const);
  // Only in the document: a name that the shape requires would hide what else is wrong.
  const override = { required: namesOf('data'), anyOf: eachRequiring(namesOf('type')) };
  const fields = z.strictObject(Object.fromEntries(shape)).meta({ override });
  return fields.transform((posted, ctx) => {
    const { workspaces } = about();
    const given: Partial<Record<Part, unknown>> = {};
    const refuse = (name: string, message: string): void => {
      ctx.issues.push({ code: 'custom', path: [name], message, input: posted });
    };
    for (const [name, part] of names) {
      const value = posted[name];
      if (value === undefined) continue;
      if (given[part] === undefined) given[part] = value;
      else if (given[part] !== value && !(part === 'createdAt' && isSameTime(given[part], value))) {
        refuse(name, `differs from ${namesOf(part)[0]}; give only one of the two`);
      }
      if (part === 'workspace' && workspaces && !workspaces.includes(value as string)) {
        refuse(name, `is not this project, whose id is ${workspaces[0]}`);
      }
    }
    for (const part of REQUIRED) {
      const own = namesOf(part);
      if (given[part] === undefined) refuse(own[0]!, requiredAs(own));
    }
    const { type, data, createdAt } = given as Partial<PostedEvent>;
    // Without data it has been refused already.
    return { type: type!, data: { text: data?.text ?? '' }, createdAt };
  });
}

/** Of two texts that were checked already. */
function isSameTime(one: unknown, other: unknown): boolean {
  const [first, second] = [String(one), String(other)];
  return Date.parse(first) === Date.parse(second) && beyondMs(first) === beyondMs(second);
}

/** The digits of a time's fraction that a Date doesn't have. */
const beyondMs = (text: string): string =>
  (/\.\d{3}(\d+)/.exec(text)?.[1] ?? '').replace(/0+$/, '');

const requiredAs = ([own, ...others]: readonly string[]): string =>
  others.length === 0 ? 'is required' : `is required, as ${[own, ...others].join(' or ')}`;

/** The names of all profiles, of which a project accepts its own profile's. */
export const eventBody = postedEvent(
  Object.assign({}, ...[...profiles.values()].map(({ envelope }) => envelope)) as Record<
    string,
    Part
  >,
);
