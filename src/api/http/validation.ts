import type { Request } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { idPattern, isId, type Resource } from '../../contracts/ids';
import type { PageRequest } from '../../store/paging';
import { didYouMean } from '../../domain/near';
import { instant as timeField } from '../../profiles/fields';
import { invalid, notFound, refused } from './errors';
import { knownNames, messageOf, oneOf } from './messages';
import { Problems, type Found } from './problems';

z.config({ customError: messageOf });

/** Zod's issues as fields; an unknown key is named itself, not its parent. */
export function problemsOf(error: z.ZodError, prefix: readonly string[] = []): Found {
  const found = new Problems();
  for (const issue of error.issues) {
    const at = [...prefix, ...issue.path.map(String)];
    if (issue.code === 'unrecognized_keys') {
      const known = knownNames(issue.message);
      for (const key of issue.keys) {
        found.add([...at, key], () => `is not a known field here.${didYouMean(key, known)}`);
      }
      continue;
    }
    const path = at.length === 0 ? ['body'] : at;
    const messages = issue.code === 'invalid_key' ? issue.issues : [issue];
    for (const { message } of messages) found.add(path, () => message);
  }
  return found;
}

/** @throws ApiError 422 naming each field that's wrong */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refused(problemsOf(parsed.error));
  return parsed.data;
}

/** Whether objects and lists are nested deeper than that. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  const inside: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return inside.some((inner) => isDeeperThan(levels - 1, inner));
}

/** The body, `{}` if there is none. */
export function parseBody<T>(schema: z.ZodType<T>, req: Request): T {
  return parse(schema, req.body === undefined ? {} : req.body);
}

/** An id from the path. One that can't be an id is answered like one that doesn't exist. */
export function pathId(req: Request, resource: Resource, name = 'id'): string {
  const id = req.params[name];
  if (typeof id !== 'string' || !isId(resource, id)) throw notFound(`the ${resource}`);
  return id;
}

/** What can be answered in four digits: an offset may lead into the years before and after. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** ISO 8601 with an offset. */
export const instant = timeField.transform((text, ctx) => {
  const time = new Date(text);
  if (time.getTime() < FIRST_MS || time.getTime() > LAST_MS) {
    const message = 'must be in the years 0000 to 9999 of UTC';
    ctx.issues.push({ code: 'custom', message, input: text });
  }
  return time;
});

/**
 * The requested range; by default it ends now, and has that length.
 * @param of.atMost its length, for the error: `2 hours at most`
 */
export function rangeWithin(
  { since, until = clock.now() }: { since?: Date | undefined; until?: Date | undefined },
  of: { defaultMs: number; maxMs: number; atMost: string },
): { since: Date; until: Date } {
  const from = since ?? new Date(Math.max(until.getTime() - of.defaultMs, FIRST_MS));
  const lengthMs = until.getTime() - from.getTime();
  if (lengthMs <= 0 || lengthMs > of.maxMs) {
    throw invalid([{ field: 'since', message: `must be before until, by ${of.atMost}` }]);
  }
  return { since: from, until };
}

/** A whole number in a query, from 1 on, in digits alone. `Number` would also take 0x10, 1e1 and ' 5'. */
export const queryNumber = (max: number) => {
  const error = { error: `must be a whole number from 1 to ${max}`, abort: true };
  return z.preprocess(
    (text) => (typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : text),
    z.int(error).min(1, error).max(max, error),
  );
};

/** `?limit` of a list. */
export const pageSize = queryNumber(100).default(25);

const EMPTY = 'must not be empty';
/**
 * Text, without the white space around it. Both rules are about what was sent, so that JSON Schema says the same.
 * @param max characters
 */
export const textField = (max: number) =>
  z
    .string()
    .regex(/[^\s\ufeff]/, EMPTY)
    .max(max)
    .trim();

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/**
 * Blanks, something else, and then anything but control characters: in one pattern, since generated types know only
 * one.
 */
const NAME =
  // oxlint-disable-next-line no-control-regex
  /^[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*[^\s\ufeff\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$/;
/** A name for people: one line of text. */
export const nameField = z
  .string()
  .regex(NAME, {
    error: ({ input }) =>
      CONTROL.test(String(input)) ? 'must not contain control characters' : EMPTY,
  })
  .max(200)
  .trim();

/** `?limit&cursor` of a list of that resource. */
export const pageQuery = (resource: Resource) => ({
  limit: pageSize,
  cursor: z.string().regex(idPattern(resource), 'is not a cursor from a list').optional(),
});

/** `?since&until`, ISO 8601: created at or after, created before. */
export const rangeQuery = { since: instant.optional(), until: instant.optional() };

/** `?order=asc|desc` */
export const orderQuery = {
  order: z
    .enum(['asc', 'desc'])
    .default('desc')
    .describe(
      '`desc`: newest first. `asc`: oldest first, up to a second or two ago: everything before that is stored, so that nothing is added behind a cursor. What changes there, such as a status, is not listed again. To follow a list, ask again with the last item’s id as `cursor`.',
    ),
};

/** Of a list; of an export, all items by default. */
type AskedPage = Omit<PageRequest, 'ascendingTo' | 'limit'> & { limit?: number | undefined };

/** A page in the requested order. @param completeBefore the time to which an ascending list goes */
export async function inOrder<P extends AskedPage>(
  page: P,
  order: 'asc' | 'desc',
  completeBefore: () => Promise<Date>,
): Promise<P & Pick<PageRequest, 'ascendingTo'>> {
  return order === 'asc' ? { ...page, ascendingTo: await completeBefore() } : page;
}

/**
 * One of these values in a query, or several, separated by commas.
 * @param value a pattern of one
 * @param message what they must be
 */
export function severalOf<T extends string>(
  value: string,
  { message, max }: { message: string; max: number },
): z.ZodType<T[], string> {
  const one = ` *(?:${value}) *`;
  return z
    .string(message)
    .regex(new RegExp(`^${one}(?:,${one}){0,${max - 1}}$`), message)
    .transform((text) => [...new Set(text.split(',').map((each) => each.trim()))] as T[]);
}

/** For an object with one of these texts, as JSON Schemas for `anyOf` or `oneOf` in the document. */
export const eachRequiring = (names: readonly string[]) =>
  names.map((name) => ({
    type: 'object' as const,
    properties: { [name]: { type: 'string' as const } },
    required: [name],
  }));

/** Some of the words of a body's list, each once. */
export const someOf = <T extends string>(words: readonly T[]): z.ZodType<T[]> =>
  z
    .array(z.enum(words))
    .min(1)
    .max(words.length)
    .transform((given) => [...new Set(given)]);

/** The same for a list of words. */
export const severalWords = <T extends string>(words: readonly T[]): z.ZodType<T[], string> =>
  severalOf<T>(words.join('|'), {
    message: `must be ${oneOf(words)}; or several of these, separated by commas`,
    max: words.length,
  });

/**
 * Parses the query of a list or an export: the paging apart from the filters.
 * @throws ApiError 422, including for an empty range of time
 */
export function parseListQuery<T extends AskedPage>(
  schema: z.ZodType<T>,
  req: Request,
): { page: Omit<AskedPage, 'limit'> & Pick<T, 'limit'>; filter: Omit<T, keyof AskedPage> } {
  const { limit, cursor, since, until, ...filter } = parse(schema, req.query);
  if (since && until && since >= until) {
    throw invalid([{ field: 'until', message: 'must be after since' }]);
  }
  return { page: { limit, cursor, since, until }, filter };
}
