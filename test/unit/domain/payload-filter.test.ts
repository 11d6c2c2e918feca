import * as fc from 'fast-check';
import {
  filterProblems,
  MAX_FILTER_DEPTH,
  MAX_FILTER_LENGTH,
  MAX_FILTER_NODES,
} from '../../../src/domain/filter-problems';
import { COSTLY_FILTERS } from '../../support/costly-filters';
import { passesFilter, type PayloadFilter } from '../../../src/domain/payload-filter';

const nested = (levels: number): unknown =>
  levels === 0 ? { 'data.a': 1 } : { $and: [nested(levels - 1)] };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const pattern = ($regex: unknown, $options?: unknown): object => ({
  'data.a': { $regex, ...($options !== undefined && { $options }) },
});

describe('a filter', () => {
  it.each<[string, unknown]>([
    ['nothing in particular', {}],
    ['one value', { 'data.plan': 'pro' }],
    ['a value of null, true, or a number', { a: null, b: true, c: 1.5 }],
    ['a whole object or list', { 'data.to': { email: 'a@b.example' }, 'data.tags': ['a', 'b'] }],
    ['bounds', { 'data.total': { $gte: 10, $lt: 20.5 }, createdAt: { $gt: '2026-01-01' } }],
    ['choices', { type: { $in: ['a', 'b'] }, 'data.n': { $nin: [1, null] } }],
    ['presence', { 'data.campaignId': { $exists: true } }],
    ['lists', { 'data.tags': { $all: ['a'], $size: 2 }, 'data.ns': { $elemMatch: { $gt: 3 } } }],
    ['objects in lists', { 'data.items': { $elemMatch: { sku: 'x', $or: [{ n: 1 }, { n: 2 }] } } }],
    ['whole values in lists', { 'data.to': { $all: [{ email: 'a@b.example' }, [1]] } }],
    [
      'names that JavaScript’s objects inherit',
      JSON.parse('{"a.__proto__.constructor":{"length":1}}'),
    ],
    ['a number as the only name in a value', { 'data.sizes': { 42: 1 } }],
    ['logic', { $or: [{ a: 1 }, { $nor: [{ b: 2 }, { $and: [{ c: 3 }] }] }] }],
    ['negation', { 'data.a': { $not: { $regex: '^x' }, $ne: 'y' } }],
    ['patterns', pattern('@(a|b)\\.example$', 'ims')],
    ['several ends in one pattern', pattern('(^a$|^b$)|[$]c$')],
    ['an end on every line', pattern('a$\\nb', 'm')],
    ['words of any script', pattern('^[\\pL\\pN]+ \\S+ [а-яё]+$', 'i')],
    ['the deepest nesting', nested((MAX_FILTER_DEPTH - 2) / 2)],
    ['the most values', { 'data.n': { $in: numbers(MAX_FILTER_NODES - 3) } }],
    ['the most characters', { 'data.n': 'x'.repeat(MAX_FILTER_LENGTH - 13) }],
    ['a pattern that would make a backtracking engine hang', pattern('^(a+)+$')],
  ])('may ask for %s', (_title, filter) => {
    expect(filterProblems(filter)).toEqual([]);
  });

  const REFUSED: [title: string, filter: unknown, field: string][] = [
    ['text', 'data.a = 1', ''],
    ['a list', [{ a: 1 }], ''],
    ['too many values', { 'data.n': { $in: numbers(MAX_FILTER_NODES - 2) } }, ''],
    ['too many characters', { 'data.n': 'x'.repeat(MAX_FILTER_LENGTH - 12) }, ''],
    ['too deep nesting', nested(MAX_FILTER_DEPTH / 2), ''],
    [
      'nesting that would overflow the stack',
      JSON.parse('{"a":'.repeat(5000) + '1' + '}'.repeat(5000)),
      '',
    ],
    ['$where', { $where: 'while (true) {}' }, '$where'],
    ['$where on a field', { 'data.a': { $where: 'true' } }, 'data.a.$where'],
    ['$where in a branch', { $or: [{ a: 1 }, { $where: '1' }] }, '$or.1.$where'],
    ['$where under $not', { a: { $not: { $where: '1' } } }, 'a.$not.$where'],
    ['$where in $elemMatch', { a: { $elemMatch: { $where: '1' } } }, 'a.$elemMatch.$where'],
    ['$expr', { $expr: { $gt: ['$a', 1] } }, '$expr'],
    ['$function', { a: { $function: { body: 'x', args: [], lang: 'js' } } }, 'a.$function'],
    ['$jsonSchema', { $jsonSchema: {} }, '$jsonSchema'],
    ['$text', { $text: { $search: 'x' } }, '$text'],
    ['$comment', { $comment: 'x' }, '$comment'],
    ['$type', { a: { $type: 'string' } }, 'a.$type'],
    ['$mod', { a: { $mod: [2, 0] } }, 'a.$mod'],
    ['$near', { a: { $near: [0, 0] } }, 'a.$near'],
    ['an operator of objects', { a: { $toString: 1 } }, 'a.$toString'],
    ['an operator without a field', { $gt: 1 }, '$gt'],
    ['a field among operators', { a: { $gt: 1, b: 2 } }, 'a.b'],
    ['an operator inside a value', { a: { b: { $gt: 1 } } }, 'a.b.$gt'],
    ['an operator inside a list', { a: [{ $gt: 1 }] }, 'a.0.$gt'],
    ['an operator inside $in', { a: { $in: [1, { $gt: 1 }] } }, 'a.$in.1.$gt'],
    ['an operator inside $eq', { a: { $eq: { $where: '1' } } }, 'a.$eq.$where'],
    ['$or without a list', { $or: { a: 1 } }, '$or'],
    ['$or of nothing', { $or: [] }, '$or'],
    ['$and of text', { $and: ['x'] }, '$and.0'],
    ['$in without a list', { a: { $in: 'x' } }, 'a.$in'],
    ['$all of conditions', { a: { $all: [{ $elemMatch: { b: 1 } }] } }, 'a.$all.0.$elemMatch'],
    ['a number beside other names in a value', { a: [{ b: 1, 0: 1 }] }, 'a.0.0'],
    ['$not of a value', { a: { $not: 'x' } }, 'a.$not'],
    ['$not of nothing', { a: { $not: {} } }, 'a.$not'],
    ['$elemMatch of a value', { a: { $elemMatch: 1 } }, 'a.$elemMatch'],
    ['$exists of a number', { a: { $exists: 1 } }, 'a.$exists'],
    ['$size of a fraction', { a: { $size: 1.5 } }, 'a.$size'],
    ['$size beyond all lists', { a: { $size: 1e20 } }, 'a.$size'],
    ['$gt of null', { a: { $gt: null } }, 'a.$gt'],
    ['$lt of an object', { a: { $lt: { b: 1 } } }, 'a.$lt'],
    ['a field without a name', { '': 1 }, ''],
    ['a path with a hole', { 'a..b': 1 }, 'a..b'],
    ['an endless path', { ['a.'.repeat(100) + 'a']: 1 }, 'a.'.repeat(100) + 'a'],
    ['a pattern that is no text', pattern(1), 'data.a.$regex'],
    ['a pattern that is none', pattern('(a'), 'data.a.$regex'],
    ['a pattern of 257 characters', pattern('x'.repeat(257)), 'data.a.$regex'],
    ['a look-ahead', pattern('(?=a)b'), 'data.a.$regex'],
    ['a look-behind', pattern('(?<=a)b'), 'data.a.$regex'],
    ['a back reference', pattern('(a)\\1'), 'data.a.$regex'],
    ['a pattern that goes on after the end', pattern('cost: $[0-9]'), 'data.a.$regex'],
    ['a pattern of two ends', pattern('(a$|b\\z)'), 'data.a.$regex'],
    ['a pattern that grows', pattern('((a{1,30}){1,30})b'), 'data.a.$regex'],
    ['a count beyond reason', pattern('a{100000}'), 'data.a.$regex'],
    [
      'patterns that are too large together',
      { a: { $regex: 'a{600}' }, b: { $regex: 'b{600}' } },
      'b.$regex',
    ],
    ['a class that takes long to compile', pattern('[\\x{100}-\\x{ffff}]', 'i'), 'data.a.$regex'],
    ['the same, literally', pattern('(?i)[\u0100-\uffff]'), 'data.a.$regex'],
    ['many large classes', pattern('\\PL'.repeat(21), 'i'), 'data.a.$regex'],
    [
      'classes that are too large together',
      { a: { $regex: '\\pL'.repeat(15) }, b: { $regex: '\\W'.repeat(15) } },
      'b.$regex',
    ],
    ['unknown options', pattern('a', 'x'), 'data.a.$options'],
    ['options that are no text', pattern('a', 1), 'data.a.$options'],
    ['options without a pattern', { a: { $options: 'i' } }, 'a.$options'],
    ['empty options without a pattern', { a: { $options: '' } }, 'a.$options'],
  ];
  it.each(REFUSED)('may not be or hold %s', (_title, filter, field) => {
    const problems = filterProblems(filter);
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(problems[0]!.message).toMatch(/\S/);
  });

  it('has all its problems reported', () => {
    const problems = filterProblems({ a: { $gt: null }, $or: [{ b: { $what: 1 } }], $where: 'x' });
    expect(problems.map(({ field }) => field)).toEqual(['a.$gt', '$or.0.b.$what', '$where']);
  });
});

describe('matching', () => {
  it.each([
    ['(a|a)*b', 'a'],
    ['^(a+)+$', 'a'],
    ['(x+x+)+y', 'x'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'],
    ['(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[0-9]', 'ab'],
  ])('by %s ends on 4 KiB that almost match', ($regex, text) => {
    const envelope = { data: { a: `${text.repeat((4 * 1024) / text.length)}!` } };
    expect(passesFilter({ 'data.a': { $regex } }, envelope)).toBe(false);
  });

  it.each(COSTLY_FILTERS)(
    'by %s is given up on an event that would take long',
    (_way, filter, x) => {
      expect(filterProblems(filter)).toEqual([]);
      expect(passesFilter(filter, { data: { x } })).toBeNull();
      // Its opposite too, so that no event is missed.
      expect(passesFilter({ $nor: [filter] }, { data: { x } })).toBeNull();
      expect(passesFilter(filter, { data: { x: '' } })).not.toBeNull();
    },
  );

  it.each<[string, PayloadFilter, unknown, boolean]>([
    ['a pattern in 10,000 characters', { x: { $regex: 'un(sub|known)' } }, 'a'.repeat(1e4), false],
    ['100 of 30 values', { x: { $in: Array(100).fill('a') } }, Array(30).fill('b'), false],
    [
      '10 conditions on 300 values',
      { $and: numbers(10).map((n) => ({ x: { $ne: n } })) },
      Array(300),
      true,
    ],
  ])('judges %s', (_title, filter, x, passes) => {
    expect(passesFilter(filter, { x })).toBe(passes);
  });

  it('distinguishes upper and lower case unless asked not to, and sees lines only if asked to', () => {
    const envelope = { data: { a: 'First line\nsecond line' } };
    const matches = ($regex: string, $options?: string): boolean | null =>
      passesFilter(pattern($regex, $options) as PayloadFilter, envelope);
    expect(matches('first')).toBe(false);
    expect(matches('first', 'i')).toBe(true);
    expect(matches('^second')).toBe(false);
    expect(matches('^second', 'm')).toBe(true);
    expect(matches('line.second')).toBe(false);
    expect(matches('line.second', 's')).toBe(true);
  });

  it.each([
    ['^[[:upper:]]+$', 'i', 'hello', true],
    ['^[[:lower:]]+$', 'i', 'HELLO', true],
    ['(?i)[[:lower:]]', '', 'ABC', true],
    ['[^[:upper:]]', 'i', 'a', false],
    ['[[:^lower:]]', 'i', 'A', false],
    ['(?-i)[[:upper:]]', 'i', 'a', false],
    ['(?i:x)[[:upper:]]', '', 'Xa', false],
    ['(x(?i)y)[[:upper:]]', '', 'xYa', false],
    ['(?i:(?-i:x)[[:upper:]])', '', 'xa', true],
    ['\\Q[[:upper:]]\\E', 'i', '[[:UPPER:]]', true],
    ['\\Q\\s\\E', '', 's', false],
  ])('%s with the options "%s" on %s: %s, as in MongoDB', ($regex, $options, a, passes) => {
    expect(passesFilter(pattern($regex, $options) as PayloadFilter, { data: { a } })).toBe(passes);
  });

  it('ends on lists of any depth', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    expect(passesFilter({ 'data.a.b': 1 }, { data: { a: deep } })).toBe(false);
    expect(passesFilter({ 'data.a': [[]] }, { data: { a: deep } })).toBe(false);
  });

  it('compares integers beyond 2^53 exactly', () => {
    const passes = (n: bigint, condition: object): boolean | null =>
      passesFilter({ 'data.n': condition }, { data: { n } });
    expect(passes(2n ** 53n + 1n, { $gt: 2 ** 53 })).toBe(true);
    expect(passes(2n ** 53n + 1n, { $eq: 2 ** 53 })).toBe(false);
    expect(passes(2n ** 53n, { $in: [2 ** 53] })).toBe(true);
    expect(passes(2n ** 63n, { $lt: 1e300 })).toBe(true);
  });

  it('sees nothing of what JavaScript objects inherit, and survives data that hides it', () => {
    const hostile = JSON.parse(
      '{"data":{"toString":1,"valueOf":1,"hasOwnProperty":1,"constructor":null,"toJSON":1,"__proto__":{"a":1}}}',
    ) as unknown;
    expect(passesFilter({ 'data.a': 1 }, hostile)).toBe(false);
    expect(passesFilter({ data: { $gt: 1 } }, hostile)).toBe(false);
    expect(passesFilter({ data: { $in: ['x', 1] } }, hostile)).toBe(false);
  });

  it('never fails for a filter that was accepted', () => {
    const key = fc.constantFrom('a', 'data.a', 'data', '$or', '$and', '$in', '$gt', '$not', '$eq');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(1, 'a', null, true),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(
          fc.oneof(key, fc.constantFrom('$size', '$elemMatch', '$regex')),
          tie('tree'),
          {
            maxKeys: 3,
            noNullPrototype: true,
          },
        ),
      ),
    }));
    let accepted = 0;
    fc.assert(
      fc.property(tree, fc.jsonValue(), (filter, data) => {
        if (filterProblems(filter).length > 0) return;
        accepted += 1;
        const envelope = { a: data, data: { a: data } };
        // A filter that failed would let everything pass, its opposite too.
        const passes = passesFilter(filter as PayloadFilter, envelope);
        expect(passesFilter({ $nor: [filter] }, envelope)).toBe(!passes);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
