import { z } from 'zod';

/* Zod's issues as instructions: every message continues the field's name, `events must have …`. */

const KINDS: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Record<string, string> = {
  email: 'must be an e-mail address',
  url: 'must be a URL',
  regex: 'does not have the required format',
};

/** Separates an object's names; no field's name contains it. */
const BETWEEN_NAMES = '\n';

/** An object's names, from the message of an issue `unrecognized_keys`. */
export const knownNames = (message: string): string[] =>
  message === '' ? [] : message.split(BETWEEN_NAMES);

/** zod's error map; undefined: a schema's own message. */
export function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${kindOf(issue.expected)}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be ${oneOf(issue.values)}`;
    case 'invalid_union': {
      if (issue.input === undefined) return 'is required';
      const kinds = issue.errors.flatMap(([first]) =>
        first?.code === 'invalid_type' ? [kindOf(first.expected)] : [],
      );
      const isOfKinds = kinds.length === issue.errors.length && kinds.length > 0;
      return isOfKinds
        ? `must be ${[...new Set(kinds)].join(' or ')}`
        : 'has none of the allowed forms';
    }
    case 'too_small':
      return bound(issue.origin, 'at least', issue.minimum, issue.inclusive);
    case 'too_big':
      return bound(issue.origin, 'at most', issue.maximum, issue.inclusive);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return FORMATS[issue.format] ?? `must be a valid ${issue.format}`;
    case 'unrecognized_keys':
      return namesOf(issue.inst).join(BETWEEN_NAMES);
    case 'invalid_key':
      return 'is not an allowed name';
    case 'invalid_element':
      return 'has an item that is not allowed';
    case 'custom':
      return undefined;
    default:
      return 'is not valid';
  }
}

export const kindOf = (expected: string): string => KINDS[expected] ?? `a ${expected}`;

const MAX_SHOWN = 50;

export function oneOf(values: readonly unknown[]): string {
  const shown = values
    .slice(0, MAX_SHOWN)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  if (values.length > MAX_SHOWN) shown.push('…');
  return shown.length === 1 ? shown[0]! : `one of: ${shown.join(', ')}`;
}

export function bound(
  origin: string,
  words: 'at least' | 'at most',
  limit: number | bigint,
  inclusive = true,
): string {
  const units: Record<string, string> = { string: 'character', array: 'item', set: 'item' };
  const unit = units[origin];
  if (unit === undefined) {
    const strictly = words === 'at least' ? 'more than' : 'less than';
    return `must be ${inclusive ? words : strictly} ${limit}`;
  }
  if (origin === 'string' && words === 'at least' && Number(limit) === 1)
    return 'must not be empty';
  return `must have ${words} ${limit} ${unit}${Number(limit) === 1 ? '' : 's'}`;
}

function namesOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
