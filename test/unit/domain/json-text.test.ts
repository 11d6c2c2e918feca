import * as fc from 'fast-check';
import {
  parseExactly,
  readJson,
  readPayload,
  toPayload,
  withFlag,
} from '../../../src/domain/json-text';

const problems = (text: string, payloadsAt: string[][] = [['data']]): string[] =>
  readJson(text, payloadsAt).problems.map(({ field }) => field);

describe('a text of JSON', () => {
  it.each<[title: string, text: string, field: string]>([
    ['a key twice', '{"a":1,"b":{"c":1,"c":1}}', 'b.c'],
    ['a key twice, once with an escape', String.raw`{"data":{"a":1,"\u0061":2}}`, 'data.a'],
    ['a key twice, of objects in a list', '{"l":[{"a":1},{"a":1,"a":{}}]}', 'l.1.a'],
    ['a key that changes prototypes', '{"data":{"a":{"__proto__":{}}}}', 'data.a.__proto__'],
    ['the same with an escape', String.raw`{"\u005f_proto__":1}`, '__proto__'],
    ['a lone surrogate', String.raw`{"a":"x\ud800"}`, 'a'],
    ['the other half', String.raw`{"l":["ok","\uDFFFx"]}`, 'l.1'],
    ['both in the wrong order', String.raw`{"a":"\udc00\ud83d"}`, 'a'],
    ['a lone surrogate in a key', String.raw`{"a":{"x\ud800":1}}`, String.raw`a.x\ud800`],
    ['a number beyond the doubles', '{"data":{"l":[1,1e400]}}', 'data.l.1'],
    ['a negative one', '{"data":{"n":-1e400}}', 'data.n'],
    ['one without an exponent', `{"data":{"n":${'9'.repeat(400)}}}`, 'data.n'],
    ['a number nearer to zero than any double', '{"data":{"n":1e-400}}', 'data.n'],
    ['the same in digits', `{"data":{"n":-0.${'0'.repeat(400)}1}}`, 'data.n'],
    ['a rounded whole number outside a payload', '{"limit":9007199254740993}', 'limit'],
    ['a rounded fraction outside a payload', '{"limit":0.10000000000000001}', 'limit'],
    ['a hundred and one levels', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'body'],
    ['a text alone', String.raw`"\ud800"`, 'body'],
  ])('reports %s', (_title, text, field) => {
    expect(problems(text)).toEqual([field]);
  });

  it.each([
    '{}',
    ' [ ] ',
    'null',
    '1e308',
    '{"data":{"n":[9007199254740993,10.00,-0,0.0,0e999,0e400000000,1E+2,5e-324,0.1000000000000000055511]}}',
    '{"limit":9007199254740992,"big":1e22,"small":1.5e-7,"same":1.50000000000000000000}',
    String.raw`{"a":"\ud83d\ude00 \\ud800 \\\\ud800","\\ud800":1}`,
    '{"a":"😀"}',
    '{"a":{"x":1},"b":{"x":1},"x":1,"X":1,"":1}',
    `${'['.repeat(100)}${']'.repeat(100)}`,
    '{"toString":1,"constructor":{"prototype":{}},"hasOwnProperty":1,"length":3}',
  ])('is none of that: %s', (text) => {
    expect(problems(text)).toEqual([]);
  });

  it('has at most fifty problems reported', () => {
    expect(problems(`{"data":[${'1e400,'.repeat(1000)}1]}`)).toHaveLength(50);
  });

  it('takes time with its length only', () => {
    const zeros = '0'.repeat(1_000_000);
    const before = process.cpuUsage();
    problems(
      `{"data":{"a":0.${zeros}1${zeros}1,"b":"${'\\"'.repeat(500_000)}","c":"${'\\\\'.repeat(500_000)}"}}`,
    );
    problems(`{"data":[${'[],'.repeat(300_000)}[]]}`);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });
});

describe('a payload', () => {
  it('is its own text, wherever its key is, however that is spelt', () => {
    const text = String.raw`{ "x": [{"data": 1}], "d\u0061ta" : { "b" : [ 1.0 , "}\"" ], "10": {"data": {}} , "2": 0 } , "y": {"data": {}} }`;
    const { value, payloads } = readJson(text, [['data']]);
    const data = (value as { data: object }).data;
    expect([...payloads.keys()]).toEqual([data]);
    expect(payloads.get(data)!.text).toBe(
      '{ "b" : [ 1.0 , "}\\"" ], "10": {"data": {}} , "2": 0 }',
    );
  });

  it('is one in each item of a list', () => {
    const { payloads } = readJson(
      '{"events":[{"data":{"n":1.0}},{"data":{"n":2.0}},{"data":[]}]}',
      [['events', null, 'data']],
    );
    expect([...payloads.values()].map(({ text }) => text)).toEqual(['{"n":1.0}', '{"n":2.0}']);
  });

  it('knows the whole numbers beyond 2^53, and where they are', () => {
    const text =
      '{"a":9007199254740993,"l":[1,{"b":-12345678901234567890e1}],"f":0.10000000000000001}';
    const { value, largeIntegers } = readPayload(text);
    expect(largeIntegers).toEqual([
      { holder: value, key: 'a', value: 9007199254740993n },
      { holder: (value.l as unknown[])[1], key: 'b', value: -123456789012345678900n },
    ]);
    const short = readPayload('{"a":9e15,"b":1e16,"c":9E99,"d":true,"e":null}');
    expect(short.largeIntegers).toEqual([
      { holder: short.value, key: 'b', value: 10n ** 16n },
      { holder: short.value, key: 'c', value: 9n * 10n ** 99n },
    ]);
  });

  it('knows the other numbers that a double rounds, and where they are', () => {
    const text =
      '{"z":0.10000000000000000001,"data":{"a":1.000000000000000001,"l":[-10.50000000000000000010e-3],"f":0.1000000000000000000,"n":0e9999999999}}';
    const { value, payloads } = readJson(text, [['data']]);
    const { data } = value as { data: { l: unknown[] } };
    expect(payloads.get(data)!.roundedNumbers).toEqual([
      {
        holder: data,
        key: 'a',
        value: { isNegative: false, digits: '1000000000000000001', exponent: -18 },
      },
      {
        holder: data.l,
        key: 0,
        value: { isNegative: true, digits: '105000000000000000001', exponent: -22 },
      },
    ]);
  });

  it('says true for false where a flag is, and nothing else changes', () => {
    const text = '{ "a": {"test": false}, "l": ["test", false], "n": 1.0, "test" : false }';
    expect(withFlag(readPayload(text), 'test', true).text).toBe(
      '{ "a": {"test": false}, "l": ["test", false], "n": 1.0, "test" : true }',
    );
    expect(withFlag(toPayload({ a: 1 }), 'test', true).text).toBe('{"a":1}');
  });
});

test('whole numbers of any length are read exactly', () => {
  const wholeNumber = fc
    .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.nat(30))
    .map(([isNegative, digits, shift]) => `${isNegative ? '-' : ''}${digits >> BigInt(shift * 4)}`);
  fc.assert(
    fc.property(wholeNumber, (literal) => {
      const { a } = parseExactly(`{"a":${literal}}`) as { a: number | bigint };
      expect(typeof a === 'bigint' ? a : BigInt(a)).toBe(BigInt(literal));
    }),
    { numRuns: 5000 },
  );
});
