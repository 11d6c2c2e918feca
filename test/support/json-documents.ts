import * as fc from 'fast-check';

/* Texts of JSON objects as no serialiser of ours would write them, all of them to be kept as they are. */

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,24})$/);
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits,
    fc.constantFrom('', '.0', '.10', '.000', '.5000000000000000001', '.123456789012345678'),
    fc.constantFrom('', 'e0', 'E+2', 'e-7', 'e12', 'E-012', 'e200'),
  )
  .map((parts) => parts.join(''));

/** A character in one of the ways to write it. */
const character = fc.oneof(
  fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\u0000', '\\u2028'),
  fc.constantFrom('\u2028', '\u2029', '\u007f', 'é', '世', '😀', '\ufeff', '\uffff', '</script>'),
  fc.nat(0xd7ff).map((code) => `\\u${code.toString(16).padStart(4, '0')}`),
  fc.constantFrom('\\ud83d\\ude00', '\\uD83D\\uDE00', '\\\\ud800', '\\\\\\"'),
  fc.stringMatching(/^[a-z0-9 .$#{}[\],:]{1,8}$/),
);
const text = fc.array(character, { maxLength: 6 }).map((all) => `"${all.join('')}"`);
/** Names that mean something to JavaScript, MongoDB or JSON Schema. */
const ODD_NAMES = [
  'toString',
  'valueOf',
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  'toJSON',
  'then',
  'length',
  'prototype',
  'data',
  'type',
  'test',
  '$ref',
  '$where',
  'a.b',
  '',
  '0',
  '10',
  '2',
  '-1',
];
const name = fc.oneof(
  text,
  fc.constantFrom(...ODD_NAMES).map((odd) => JSON.stringify(odd)),
);

const { object } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number,
    text,
    fc.constantFrom('true', 'false', 'null'),
    fc
      .tuple(space, fc.array(tie('value'), { maxLength: 4 }))
      .map(([gap, items]) => `[${gap}${items.join(`,${gap}`)}]`),
    tie('object'),
  ),
  object: fc
    .tuple(
      space,
      space,
      fc.uniqueArray(fc.tuple(name, tie('value')), {
        maxLength: 5,
        selector: ([key]) => JSON.parse(key) as string,
      }),
    )
    .map(([a, b, members]) => {
      const written = members.map(([key, value]) => `${b}${key}${a}:${b}${value}`);
      return `{${a}${written.join(`${a},`)}${b}}`;
    }),
}));

/** The text of a JSON object. */
export const objectText = object;
