import type { FieldProblem } from '../contracts/errors';
import { decimalOf, isExact, largeInteger, type Decimal } from './decimal';

/* What JSON.parse does not reveal about a JSON text: how it is written, and what would get lost. */

/** Depth of nested objects and lists; more would overflow the stack of functions that traverse them. */
export const MAX_DEPTH = 100;
const MAX_PROBLEMS = 50;
/** Characters of a key in a problem's field. */
const MAX_KEY_LENGTH = 100;

type Path = readonly (string | number)[];

/** Keys from the outermost object on; null matches any. */
export type PathPattern = readonly (string | null)[];

interface Placed<T> {
  /** Its object or list, as parsed. */
  holder: object;
  key: string | number;
  value: T;
}
/** A whole number beyond 2^53: JSON.parse may have left a neighbour in its place. */
export type LargeInteger = Placed<bigint>;
/** Any other number that JSON.parse has rounded. */
export type RoundedNumber = Placed<Decimal>;

/** An object with its text. */
export interface Payload {
  value: Record<string, unknown>;
  text: string;
  largeIntegers: readonly LargeInteger[];
  roundedNumbers: readonly RoundedNumber[];
}

export interface JsonText {
  /** As parsed by JSON.parse. */
  value: unknown;
  /** What receivers' parsers would read differently, or not at all: at most 50 problems, by path. */
  problems: FieldProblem[];
  /** The objects at the requested paths, by their values. */
  payloads: ReadonlyMap<object, Payload>;
  largeIntegers: readonly LargeInteger[];
  roundedNumbers: readonly RoundedNumber[];
}

/** An object or a list that is open at the current position. */
interface Frame {
  /** As parsed; undefined inside a duplicate member. */
  value: object | undefined;
  /** The keys so far; null: a list. */
  keys: Set<string> | null;
  key: string | number;
  expectsKey: boolean;
  start: number;
  /** How many numbers of each kind are before it; null: this is not a payload. */
  payloadFrom: { large: number; rounded: number } | null;
}

const SPACE = 0x20;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const EXPONENT = /\d[eE]/;
const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

/**
 * Parses a text, and checks how it is written. In addition to JSON, as RFC 7493 (I-JSON): no duplicate keys,
 * no lone surrogates, no number beyond a double's range; and no key `__proto__`. Whole numbers that a double
 * would round are exact in payloads, and refused elsewhere, like all other rounded numbers.
 * @param payloadsAt the paths of the objects whose text is kept
 * @throws SyntaxError if it isn't JSON
 */
export function readJson(text: string, payloadsAt: readonly PathPattern[]): JsonText {
  return new Scan(text, JSON.parse(text), payloadsAt).run();
}

/** An object that wasn't written by a caller. */
export function toPayload(value: Record<string, unknown>): Payload {
  return { value, text: JSON.stringify(value), largeIntegers: [], roundedNumbers: [] };
}

/** An object written by a caller, and kept as text. */
export function readPayload(text: string): Payload {
  const { value, largeIntegers, roundedNumbers } = readJson(text, [[]]);
  return { value: value as Record<string, unknown>, text, largeIntegers, roundedNumbers };
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gs;

/** The same with another value of a Boolean member. */
export function withFlag({ text }: Payload, name: string, flag: boolean): Payload {
  let depth = 0;
  let last = '';
  let isNamed = false;
  let changed = text;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (isNamed) changed = `${text.slice(0, index)}${flag}${text.slice(index + token.length)}`;
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    isNamed = token === ':' && depth === 1 && JSON.parse(last) === name;
    last = token;
  }
  return readPayload(changed);
}

/** Numbers beyond 2^53 have sixteen digits, or an exponent. */
const MAY_BE_LARGE = /[\d.]{16}|\d[eE]\+?\d/;

/** Parses text in which `readJson` found nothing; whole numbers beyond 2^53 become bigints. */
export function parseExactly(text: string): unknown {
  if (!MAY_BE_LARGE.test(text)) return JSON.parse(text);
  const { value, largeIntegers } = readJson(text, [[]]);
  for (const { holder, key, value: exact } of largeIntegers) {
    (holder as Record<string | number, unknown>)[key] = exact;
  }
  return value;
}

/** One scan of a text that JSON.parse has accepted, so that its grammar needs no second check. */
class Scan implements JsonText {
  readonly problems: FieldProblem[] = [];
  readonly payloads = new Map<object, Payload>();
  readonly largeIntegers: LargeInteger[] = [];
  readonly roundedNumbers: RoundedNumber[] = [];
  private readonly frames: Frame[] = [];
  private readonly mayHoldSurrogates: boolean;

  constructor(
    private readonly text: string,
    readonly value: unknown,
    private readonly payloadsAt: readonly PathPattern[],
  ) {
    this.mayHoldSurrogates = ESCAPED_SURROGATE.test(text);
  }

  run(): JsonText {
    const { text, frames, problems } = this;
    let at = 0;
    while (at < text.length && problems.length < MAX_PROBLEMS) {
      const frame = frames.at(-1);
      switch (text.charCodeAt(at)) {
        case QUOTE: {
          const end = this.endOfString(at);
          if (this.mayHoldSurrogates) this.string(text.slice(at, end), frame);
          if (frame?.expectsKey) this.key(frame, text.slice(at, end));
          at = end;
          break;
        }
        case OPEN_OBJECT:
        case OPEN_LIST:
          if (frames.length === MAX_DEPTH) {
            this.tell([], `must not be nested deeper than ${MAX_DEPTH} levels`);
            return this;
          }
          this.open(at, frame);
          at += 1;
          break;
        case CLOSE_OBJECT:
        case CLOSE_LIST:
          this.close(at + 1);
          at += 1;
          break;
        case COMMA:
          if (frame!.keys) frame!.expectsKey = true;
          else (frame!.key as number) += 1;
          at += 1;
          break;
        case COLON:
        case SPACE:
        case NEWLINE:
        case RETURN:
        case TAB:
          at += 1;
          break;
        default: {
          const end = this.endOfLiteral(at);
          // A number, `true`, `false` or `null`; shorter ones than 1e16 are exact.
          if (end - at > 3) this.literal(text.slice(at, end), frame);
          at = end;
        }
      }
    }
    return this;
  }

  /** The position after the closing quote. */
  private endOfString(start: number): number {
    for (let end = start + 1; ; end += 1) {
      end = this.text.indexOf('"', end);
      let before = end - 1;
      while (this.text.charCodeAt(before) === BACKSLASH) before -= 1;
      if ((end - before) % 2 === 1) return end + 1;
    }
  }

  private endOfLiteral(start: number): number {
    for (let end = start + 1; ; end += 1) {
      const code = this.text.charCodeAt(end);
      const isBehind = code === COMMA || code === CLOSE_LIST || code === CLOSE_OBJECT;
      // Up to a space is white space; and at the text's end there is NaN.
      if (isBehind || !(code > SPACE)) return end;
    }
  }

  private open(start: number, frame: Frame | undefined): void {
    const isList = this.text.charCodeAt(start) === OPEN_LIST;
    const value = frame ? valueAt(frame.value, frame.key) : this.value;
    this.frames.push({
      value: typeof value === 'object' && value !== null ? value : undefined,
      keys: isList ? null : new Set(),
      key: isList ? 0 : '',
      expectsKey: !isList,
      start,
      payloadFrom:
        !isList && this.isPayload()
          ? { large: this.largeIntegers.length, rounded: this.roundedNumbers.length }
          : null,
    });
  }

  private close(end: number): void {
    const { value, start, payloadFrom } = this.frames.pop()!;
    if (payloadFrom === null || value === undefined) return;
    this.payloads.set(value, {
      value: value as Record<string, unknown>,
      text: this.text.slice(start, end),
      largeIntegers: this.largeIntegers.slice(payloadFrom.large),
      roundedNumbers: this.roundedNumbers.slice(payloadFrom.rounded),
    });
  }

  private key(frame: Frame, quoted: string): void {
    const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
    frame.key = key;
    frame.expectsKey = false;
    if (frame.keys!.has(key)) this.tell(this.path(), 'is given twice');
    if (key === '__proto__') this.tell(this.path(), 'is not an allowed name of a field');
    frame.keys!.add(key);
  }

  private string(quoted: string, frame: Frame | undefined): void {
    if (!quoted.includes('\\u') || isWellFormed(JSON.parse(quoted) as string)) return;
    const path = frame?.expectsKey
      ? [...this.path().slice(0, -1), quoted.slice(1, -1)]
      : this.path();
    this.tell(path, 'contains a lone surrogate (\\ud800 to \\udfff), which is not a character');
  }

  /** @param literal a number, `true`, `false` or `null` */
  private literal(literal: string, frame: Frame | undefined): void {
    // Fifteen digits are always exact, and in range without an exponent.
    if (literal.length < 16 && !EXPONENT.test(literal)) return;
    const double = Number(literal);
    const decimal = decimalOf(literal);
    if (!Number.isFinite(double)) this.tell(this.path(), 'is a number too large to be stored');
    else if (double === 0 && decimal.digits !== '') {
      this.tell(this.path(), 'is a number too small to be stored: it would become 0');
    } else if (!this.isInPayload() && !isExact(decimal, double)) {
      this.tell(this.path(), `is a number that would be rounded to ${double}; write that`);
    } else if (frame?.value) {
      const { value: holder, key } = frame;
      const integer = largeInteger(decimal);
      if (integer !== null) this.largeIntegers.push({ holder, key, value: integer });
      else if (!isExact(decimal, double)) this.roundedNumbers.push({ holder, key, value: decimal });
    }
  }

  private isInPayload(): boolean {
    return this.frames.some(({ payloadFrom }) => payloadFrom !== null);
  }

  private isPayload(): boolean {
    const { frames } = this;
    return this.payloadsAt.some(
      (pattern) =>
        pattern.length === frames.length &&
        pattern.every((key, depth) => key === null || key === frames[depth]!.key),
    );
  }

  private path(): Path {
    return this.frames.map(({ key }) => key);
  }

  private tell(path: Path, message: string): void {
    const field = path.map((key) => toWellFormed(String(key).slice(0, MAX_KEY_LENGTH))).join('.');
    this.problems.push({ field: field || 'body', message });
  }
}

/** As the method of strings, which many browsers of 2023 lack. By code points, only half of a pair is a surrogate. */
const toWellFormed = (text: string): string => text.replaceAll(/\p{Surrogate}/gu, '\ufffd');
const isWellFormed = (text: string): boolean => toWellFormed(text) === text;

function valueAt(holder: object | undefined, key: string | number): unknown {
  return holder && (holder as Record<string | number, unknown>)[key];
}
