import {
  hasValue,
  readPayloadQuery,
  textsIn,
  type PayloadQuery,
} from '../../../src/domain/payload-query';

const read = (text: string): PayloadQuery => readPayloadQuery(text) as PayloadQuery;

describe('a query by data', () => {
  it.each([
    ['data.email = ada@example.com', ['email'], 'ada@example.com'],
    ['data.email=ada@example.com', ['email'], 'ada@example.com'],
    ['data.email == "ada@example.com"', ['email'], 'ada@example.com'],
    ['data.email =   ada  ', ['email'], 'ada'],
    ['data.to.email = a = b', ['to', 'email'], 'a = b'],
    ['data.total = 49.90', ['total'], 49.9],
    ['data.total = -0', ['total'], -0],
    ['data.total = 1e2', ['total'], 100],
    ['data.n = 9007199254740993', ['n'], 9007199254740993n],
    ['data.n = 0e999999999', ['n'], 0],
    ['data.zip = 01234', ['zip'], '01234'],
    ['data.zip = "1234"', ['zip'], '1234'],
    ['data.ok = true', ['ok'], true],
    ['data.ok = false', ['ok'], false],
    ['data.ok = "true"', ['ok'], 'true'],
    ['data.ok = True', ['ok'], 'True'],
    ['data.gone = null', ['gone'], null],
    ['data.note = ""', ['note'], ''],
    ['data.note = "say \\"hi\\"\\n"', ['note'], 'say "hi"\n'],
    ['data.items.0.sku = x', ['items', '0', 'sku'], 'x'],
    ['data.items[0].sku = x', ['items', '0', 'sku'], 'x'],
    ['data."first name" = Ada', ['first name'], 'Ada'],
    ['data."a.b"."=" = 1', ['a.b', '='], 1],
    ['data.größe = 世', ['größe'], '世'],
    ['data.$where = x', ['$where'], 'x'],
    ['data.x = $ne', ['x'], '$ne'],
    ['data.x = .*', ['x'], '.*'],
    ['data.example.com = x', ['example', 'com'], 'x'],
  ])('%s', (text, path, value) => {
    expect(read(text)).toEqual({ path, value });
  });

  it.each([
    'data',
    'data.',
    'data = 1',
    'data.email',
    'dataset.email = x',
    'data.example.com/hooks?a=b',
    'data.example.com?a=b',
    'https://data.example.com/?a=b',
    'data.example.com:8443/?a=b',
    'email = x',
    'Data.email = x',
    'data..email = x',
    'data."email = x',
    'data."\\x" = x',
  ])('is not %s', (text) => expect(readPayloadQuery(text)).toBeNull());

  it.each([
    ['data.email =', /no value/],
    ['data.total > 1', /"=" only/],
    ['data.total>=1', /"=" only/],
    ['data.total != 1', /"=" only/],
    ['data.total!=1', /"=" only/],
    ['data.email ~ x', /"=" only/],
    ['data.email =~ x', /"=" only/],
    ['data.email = "x', /JSON string/],
    ['data.email = "x" y', /JSON string/],
    ['data.to = {"email":"x"}', /object or a list/],
    ['data.to = [1]', /object or a list/],
    ['data.n = 1e999', /too large/],
    [`data${'.a'.repeat(101)} = 1`, /more than 100/],
  ])('says what is wrong with %s', (text, problem) => {
    expect(readPayloadQuery(text)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('names texts that are in the JSON of what it finds', () => {
    expect(textsIn(read('data.items.0."a\\"b" = "x\\ny"'))).toEqual([
      '"items"',
      '"a\\"b"',
      '"x\\ny"',
    ]);
    expect(textsIn(read('data.n = 1'))).toEqual(['"n"']);
  });
});

describe('an event’s data', () => {
  const data = {
    email: 'ada@example.com',
    total: 100,
    big: 9007199254740993n,
    text: '100',
    none: null,
    ok: true,
    to: [{ email: 'a@x' }, { email: 'b@x', tags: ['red', ['deep']] }],
    '0': 'zero',
    'a.b': { c: 1 },
    empty: {},
  };
  it.each([
    ['data.email = ada@example.com', true],
    ['data.email = Ada@example.com', false],
    ['data.email = ada', false],
    ['data.total = 100', true],
    ['data.total = 1e2', true],
    ['data.total = "100"', false],
    ['data.text = 100', false],
    ['data.text = "100"', true],
    ['data.big = 9007199254740993', true],
    ['data.big = 9007199254740992', false],
    ['data.none = null', true],
    ['data.nothing = null', false],
    ['data.none = "null"', false],
    ['data.ok = true', true],
    ['data.ok = 1', false],
    ['data.to.email = a@x', true],
    ['data.to.email = b@x', true],
    ['data.to.email = c@x', false],
    ['data.to.0.email = a@x', true],
    ['data.to[1].email = a@x', false],
    ['data.to.tags = red', true],
    ['data.to.tags = deep', true],
    ['data.to.length = 2', false],
    ['data.email.length = 15', false],
    ['data.0 = zero', true],
    ['data."a.b".c = 1', true],
    ['data.a.b.c = 1', false],
    ['data.empty = null', false],
    ['data.constructor = null', false],
    ['data.__proto__ = null', false],
    ['data.toString.name = toString', false],
  ])('%s: %s', (text, expected) => expect(hasValue(data, read(text))).toBe(expected));

  it('is searched in a time that grows with its size, however its lists are nested', () => {
    let nested: unknown = [1];
    for (let depth = 0; depth < 90; depth += 1) nested = [nested, 1];
    const query = read(`data.a${'.0'.repeat(60)} = 2`);
    const before = process.cpuUsage();
    expect(hasValue({ a: nested }, query)).toBe(false);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });
});
