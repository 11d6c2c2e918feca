import type { PayloadFilter } from '../../src/domain/payload-filter';

/** As long as an event may be, and without an end to what patterns hope for. */
const TEXT = Array.from({ length: 250 * 1024 }, (_, n) =>
  ((n * n * 31) % 7) % 2 ? 'a' : 'b',
).join('');
const repeat = <T>(count: number, item: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => item(n));
const numbers = (count: number): number[] => repeat(count, (n) => n + 5);
const matches = ($regex: string, $options = ''): PayloadFilter => ({
  'data.x': { $regex, $options },
});

/**
 * Filters that webhooks may have, each with what an event may hold as `data.x`, that took from half a
 * second to half a minute before what a filter may cost was bounded.
 */
export const COSTLY_FILTERS: [title: string, filter: PayloadFilter, x: unknown][] = [
  ['a count', matches('a[ab]{900}[yz]'), TEXT],
  ['a choice and a count', matches('(a|b)*a(a|b){200}[yz]'), TEXT],
  ['many classes of all letters', matches('[\\pL\\pN]{400}[yz]', 'i'), TEXT],
  ['a pattern against many texts', matches('a[ab]{900}[yz]'), repeat(1000, () => TEXT.slice(-240))],
  [
    'many patterns',
    { $or: repeat(30, (n) => matches(`a[ab]{${20 + (n % 4)}}[yz]`)) },
    TEXT.slice(0, 100_000),
  ],
  ['many values among many', { 'data.x': { $in: numbers(190) } }, repeat(120_000, () => 1)],
  ['many values not among many', { 'data.x': { $nin: numbers(190) } }, repeat(120_000, () => 1)],
  ['all of many values', { 'data.x': { $all: numbers(190) } }, repeat(120_000, () => 1)],
  ['many conditions', { $nor: repeat(60, (n) => ({ 'data.x': n + 5 })) }, repeat(120_000, () => 1)],
  [
    'many values inside many objects',
    { 'data.x.a': { $in: numbers(190) } },
    repeat(30_000, () => ({ a: 1 })),
  ],
  [
    'many conditions on what many items don’t have',
    { $nor: repeat(60, () => ({ 'data.x.a.b': 1 })) },
    repeat(120_000, () => 1),
  ],
  [
    'many values in each of many items',
    { 'data.x': { $elemMatch: { $in: numbers(180) } } },
    repeat(120_000, () => 1),
  ],
  ...Object.entries({
    'what items don’t have': { $exists: false },
    'lists that items don’t have': { $not: { $size: 1 } },
    'objects that items don’t have': { $not: { $elemMatch: { a: 1 } } },
    'texts that items don’t have': { $not: { $regex: 'a' } },
  }).map(([of, condition]): [string, PayloadFilter, unknown] => [
    `many conditions on ${of}`,
    {
      'data.x': {
        $elemMatch: Object.fromEntries([
          ...repeat(45, (n) => [`a${n}`, condition]),
          ['z', { $exists: true }],
        ]) as PayloadFilter,
      },
    },
    repeat(6600, () => ({})),
  ]),
  [
    'many conditions on empty lists in many items',
    {
      'data.x': { $elemMatch: { $nor: repeat(45, () => ({ 'a.b': 1 })), z: { $exists: true } } },
    },
    repeat(6600, () => ({ a: [] })),
  ],
  ['many lists compared', { 'data.x': { $in: repeat(60, () => [3]) } }, repeat(60_000, () => [4])],
  [
    'many comparisons of a large object',
    { 'data.x': { $in: repeat(60, () => ({})) } },
    Object.fromEntries(repeat(20_000, (n) => [`n${n}`, 1])),
  ],
];
