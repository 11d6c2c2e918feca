import * as fc from 'fast-check';
import type { PayloadFilter } from '../../src/domain/payload-filter';

/* Few names and values, so that random filters meet what random documents hold. */

const NAMES = ['a', 'b', '0', '1', '01', 'length', 'constructor', '__proto__', '$x'];
const LITERAL_NAMES = ['a', 'b', 'length', 'constructor', '__proto__', ''];
const TEXTS = ['', 'a', 'b', 'ab', 'A', '1', '0', 'a\n', 'a\nb', '\n', '\u{1f600}', '\uffee', 'ä'];
const NUMBERS = [0, 1, -1, 1.5, 2 ** 53, 2 ** 53 + 2, -(2 ** 62), 1e300];
/** Between doubles: an event's numbers may be such, a filter's can't. */
const LONGS = [2n ** 53n + 1n, 1n - 2n ** 62n];

const text = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(...NUMBERS);
const scalar = fc.oneof(fc.constantFrom(null, true, false), text, number);

function valueOf(
  scalars: fc.Arbitrary<unknown>,
  names: readonly string[],
  maxDepth: number,
): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth },
      scalars,
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .uniqueArray(fc.tuple(fc.constantFrom(...names), tie('value')), {
          maxLength: 3,
          selector: ([name]) => name,
        })
        // Defines `__proto__` as a member; in a literal it would set the prototype.
        .map((entries) => Object.fromEntries(entries)),
    ),
  }));
  return value;
}

const literal = valueOf(scalar, LITERAL_NAMES, 2);
const inData = valueOf(fc.oneof(scalar, fc.constantFrom(...LONGS)), [...NAMES, ''], 4);
export const randomDocument = fc.record({ a: inData, b: inData });

const someOf = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: 1, maxLength: 3 });
const joined = (part: fc.Arbitrary<string>, maxLength: number, by: string): fc.Arbitrary<string> =>
  fc.array(part, { minLength: 1, maxLength }).map((parts) => parts.join(by));

const innerPath = joined(fc.constantFrom(...NAMES.slice(0, -1)), 3, '.');
const path = fc.oneof(
  fc.constantFrom('a', 'b'),
  fc.tuple(fc.constantFrom('a', 'b'), joined(fc.constantFrom(...NAMES), 3, '.')),
);
const outerPath = path.map((parts) => [parts].flat().join('.'));

const ANCHORS = [
  '$',
  '|',
  '(',
  ')',
  '(?:',
  '*',
  '+',
  '?',
  '{1,2}',
  '\\b',
  '\\B',
  '\\A',
  '(?i)',
  '(?-i)',
  '(?i:',
  '(?-i:',
];
const SETS = [
  '.',
  '\\s',
  '\\S',
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '\\v',
  '\\pL',
  '\\PL',
  '\\p{Lu}',
  '[ab]',
];
const CLASSES = [
  '[^a]',
  '[\\w-]',
  '[^\\s.]',
  '[\\S]',
  '[\\v]',
  '[[:alpha:]]',
  '[^[:word:]]',
  '[[:upper:]]',
  '[^[:upper:]]',
  '[[:lower:]1]',
  '[[:^lower:]]',
  '[]a]',
];
const PLAIN = [
  'a',
  'b',
  'A',
  'k',
  's',
  'ä',
  'σ',
  '\\n',
  '\\x41',
  '\\x{e4}',
  '\\Qa.\\E',
  '\\Q\\s\\E',
  '\\.',
];
const PART = fc.constantFrom(...ANCHORS, ...SETS, ...CLASSES, ...PLAIN);

/** `^` with the option m is one of the differences that are left (docs/adr/0021). */
export const randomPattern = fc.oneof(
  fc.record({ $regex: joined(PART, 5, ''), $options: fc.constantFrom('', 'i', 'm', 's', 'ims') }),
  fc.record({
    $regex: joined(fc.oneof(PART, fc.constantFrom('^', '^')), 5, ''),
    $options: fc.constantFrom('', 'i', 's', 'is'),
  }),
);
const CHARACTERS = [
  'a',
  'b',
  'A',
  '\n',
  '\n',
  '1',
  '_',
  ' ',
  '\v',
  '\r',
  'k',
  '\u212a',
  's',
  'ſ',
  'ä',
];
export const randomText = joined(
  fc.constantFrom(
    ...CHARACTERS,
    'Ä',
    'σ',
    'ς',
    '٣',
    '\u{1f600}',
    '\u00a0',
    '\u2028',
    '\u0085',
    '.',
  ),
  4,
  '',
);

/** Of every operator that filters may have. */
export const randomFilter = fc.letrec<{ query: PayloadFilter; inner: object; condition: object }>(
  (tie) => {
    const query = (
      paths: fc.Arbitrary<string>,
      self: fc.Arbitrary<object>,
    ): fc.Arbitrary<PayloadFilter> =>
      fc.oneof(
        { maxDepth: 4 },
        {
          weight: 5,
          arbitrary: fc.dictionary(paths, fc.oneof(literal, tie('condition')), {
            minKeys: 1,
            maxKeys: 2,
            noNullPrototype: true,
          }),
        },
        fc
          .tuple(fc.constantFrom('$and', '$or', '$nor'), someOf(self))
          .map(([logic, queries]) => ({ [logic]: queries })),
      );
    const operator = fc.oneof(
      { maxDepth: 4 },
      ...['$eq', '$ne'].map((name) => fc.record({ [name]: literal })),
      ...['$in', '$nin', '$all'].map((name) => fc.record({ [name]: someOf(literal) })),
      ...['$gt', '$gte', '$lt', '$lte'].map((name) =>
        fc.record({ [name]: fc.oneof(text, number) }),
      ),
      fc.record({ $exists: fc.boolean() }),
      fc.record({ $size: fc.nat(3) }),
      randomPattern,
      fc.record({ $not: tie('condition') }),
      fc.record({ $elemMatch: fc.oneof(tie('condition'), tie('inner')) }),
    );
    return {
      query: query(outerPath, tie('query')),
      inner: query(innerPath, tie('inner')),
      condition: someOf(operator).map((operators) => Object.assign({}, ...operators) as object),
    };
  },
).query;
