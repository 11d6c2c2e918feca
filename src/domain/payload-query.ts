import { decimalOf, largeInteger } from './decimal';

/* `data.to.email = ada@example.com`: a field of events' data, and the value that it must have. */

export type Scalar = string | number | bigint | boolean | null;

export interface PayloadQuery {
  /** The names from `data` on, without it; whole numbers are also places in lists. */
  path: readonly string[];
  value: Scalar;
}

/** A name as it may be written bare; others are written as JSON strings: `data."first name"`. */
const BARE = /[^\s.=[\]"/:?&#<>!~]+/y;
const QUOTED = /"(?:[^"\\]|\\.)*"/sy;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const PLACE = /\[(\d+)\]/y;
const EQUALS = /\s*={1,3}\s*/y;
const OTHER_COMPARISON = /\s*(?:!=|[<>]=?|=?~)/y;
const MAX_NAMES = 100;

/**
 * Reads a query; null for a text that doesn't begin like one. No URL begins like one: URLs have a slash, a colon or
 * a question mark before any equals sign.
 */
export function readPayloadQuery(text: string): PayloadQuery | { problem: string } | null {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  if (take(BARE)?.[0] !== 'data') return null;
  const path: string[] = [];
  for (;;) {
    const place = take(PLACE);
    if (place) path.push(place[1]!);
    else if (text[at] === '.') {
      at += 1;
      const quoted = take(QUOTED)?.[0];
      const name = quoted === undefined ? take(BARE)?.[0] : unquoted(quoted);
      if (name === undefined) return null;
      path.push(name);
    } else break;
  }
  if (path.length === 0) return null;
  if (take(OTHER_COMPARISON)) return { problem: 'compares with "=" only' };
  if (!take(EQUALS)) return null;
  if (path.length > MAX_NAMES) return { problem: `names more than ${MAX_NAMES} levels of data` };
  const value = readScalar(text.slice(at).trim());
  return 'problem' in value ? value : { path, value: value.is };
}

function readScalar(text: string): { is: Scalar } | { problem: string } {
  if (text === '') return { problem: 'has no value behind "="; write "" for an empty text' };
  if (text === 'null') return { is: null };
  if (text === 'true' || text === 'false') return { is: text === 'true' };
  if (NUMBER.test(text)) {
    const double = Number(text);
    return Number.isFinite(double)
      ? { is: largeInteger(decimalOf(text)) ?? double }
      : { problem: 'compares with a number that is too large for any event' };
  }
  if (text.startsWith('"')) {
    const is = unquoted(text);
    return is === undefined
      ? { problem: 'has a value in quotes that is not a JSON string: write " in it as \\"' }
      : { is };
  }
  if (/^[[{]/.test(text)) {
    const message =
      'compares with an object or a list; name a field in it, or put a text that begins so in double quotes';
    return { problem: message };
  }
  return { is: text };
}

/** The text that a JSON string stands for; undefined: it is not one. */
function unquoted(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}

/**
 * Texts that the JSON of a matching event contains, unless it contains escapes: the names, and a text that is
 * the value.
 */
export function textsIn({ path, value }: PayloadQuery): string[] {
  const names = path.filter((name) => !/^\d+$/.test(name));
  return [...names, ...(typeof value === 'string' ? [value] : [])].map((text) =>
    JSON.stringify(text),
  );
}

/** Whether the field has the value; through lists, whether it has it in one of their items. */
export function hasValue(data: unknown, { path, value }: PayloadQuery): boolean {
  // A list within a list can be reached in many ways.
  const seen = [...path, null].map(() => new Set<object>());
  const isAt = (held: unknown, depth: number): boolean => {
    const name = path[depth];
    if (Array.isArray(held)) {
      if (seen[depth]!.has(held)) return false;
      seen[depth]!.add(held);
      if (held.some((item) => isAt(item, depth))) return true;
      return name !== undefined && Object.hasOwn(held, name) && isAt(held[Number(name)], depth + 1);
    }
    if (name === undefined) return sameValue(held, value);
    return (
      typeof held === 'object' &&
      held !== null &&
      Object.hasOwn(held, name) &&
      isAt((held as Record<string, unknown>)[name], depth + 1)
    );
  };
  return isAt(data, 0);
}

/** Number and bigint are compared by their mathematical values; a text never equals a number. */
function sameValue(held: unknown, value: Scalar): boolean {
  if (typeof held === 'number' || typeof held === 'bigint') {
    // oxlint-disable-next-line eqeqeq -- 1n == 1
    return (typeof value === 'number' || typeof value === 'bigint') && held == value;
  }
  return held === value;
}
