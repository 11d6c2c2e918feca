import { dataProblems, schemaProblems } from '../../../src/api/events/json-schema';
import { toPayload } from '../../../src/domain/json-text';

const problemsOfSchema = (schema: Record<string, unknown>) => schemaProblems(schema).problems;
const fieldsOf = (schema: object, data: object, at = ['data']): string[] =>
  dataProblems(JSON.stringify(schema), toPayload(data as Record<string, unknown>), at)
    .problems.map(({ field }) => field)
    .toSorted();

describe('problems of data', () => {
  it.each<[string, object, object, string[]]>([
    ['a missing field', { required: ['a'] }, {}, ['data.a']],
    [
      'a missing field inside lists',
      { properties: { a: { items: { required: ['b'] } } } },
      { a: [{ b: 1 }, {}] },
      ['data.a.1.b'],
    ],
    [
      'an unknown field',
      { properties: { a: { additionalProperties: false } } },
      { a: { b: 1, c: 2 } },
      ['data.a.b', 'data.a.c'],
    ],
    [
      'an unevaluated field',
      { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
      { a: 1, b: 2 },
      ['data.b'],
    ],
    ['a field that another one needs', { dependentRequired: { a: ['b'] } }, { a: 1 }, ['data.b']],
    [
      'a bad field name, and the list of names',
      { propertyNames: { maxLength: 1 } },
      { ab: 1 },
      ['data', 'data.ab'],
    ],
    [
      'a field with slashes and tildes',
      { properties: { 'a/b~c': { type: 'string' } } },
      { 'a/b~c': 1 },
      ['data.a/b~c'],
    ],
    ['the data itself', { minProperties: 1 }, {}, ['data']],
    ['a format', { properties: { at: { format: 'date-time' } } }, { at: 'noon' }, ['data.at']],
    ['what objects inherit', { required: ['constructor'] }, {}, ['data.constructor']],
  ])('name %s', (_title, schema, data, fields) => {
    expect(problemsOfSchema(schema as Record<string, unknown>)).toEqual([]);
    expect(fieldsOf(schema, data)).toEqual(fields);
  });

  it.each(['', 'a'])('are told in whole characters, though cut short (%j)', (before) => {
    const long = before + '😀'.repeat(400);
    const told = [
      ...problemsOfSchema({ pattern: `(${long}` }),
      ...problemsOfSchema({ $defs: { a: { format: long } } }),
      ...dataProblems(JSON.stringify({ enum: [{ a: long }] }), toPayload({}), ['data']).problems,
      ...dataProblems(JSON.stringify({ propertyNames: { const: long } }), toPayload({ b: 1 }), [
        'data',
      ]).problems,
    ];
    expect(told.length).toBeGreaterThan(2);
    expect(told.filter(({ message }) => !message.isWellFormed())).toEqual([]);
  });

  it('stand where the data stands', () => {
    expect(fieldsOf({ required: ['a'] }, {}, ['events', '3', 'data'])).toEqual(['events.3.data.a']);
  });

  it('are told each once, and at most 50 of them', () => {
    const either = { anyOf: [{ required: ['a'] }, { required: ['a'] }] };
    expect(fieldsOf(either, {})).toEqual(['data', 'data.a']);
    const numbers = { items: { type: 'number' } };
    expect(fieldsOf(numbers, Array.from({ length: 1000 }, String))).toHaveLength(50);
  });

  it('leave the data as it is', () => {
    const data = { a: '1' };
    const schema = { properties: { a: { type: 'number' }, b: { default: 2 } } };
    expect(fieldsOf(schema, data)).toEqual(['data.a']);
    expect(data).toEqual({ a: '1' });
  });

  it('are counted, but for those of which there are millions', () => {
    const strings = { items: { items: { type: 'string' } } };
    const check = (schema: object, data: object) =>
      dataProblems(JSON.stringify(schema), toPayload(data as Record<string, unknown>), ['data']);
    const zeros = Array.from({ length: 30 }, () => 0);
    expect(check(strings, [zeros, zeros])).toMatchObject({ problems: { length: 50 }, more: 10 });
    const many = Array.from({ length: 100_000 }, () => 0);
    expect(check(strings, [many])).toMatchObject({ problems: { length: 50 }, more: Infinity });
    const names = Object.fromEntries(many.map((_, n) => [`n${n}`, 0]));
    const closed = { additionalProperties: false };
    expect(check(closed, names)).toMatchObject({ problems: { length: 50 }, more: Infinity });
  });

  it('make invalid what they make invalid, however many were found before', () => {
    const many = { items: { type: 'string' } };
    const valid = { type: 'object' };
    const data = { list: Array.from({ length: 1000 }, () => 0), a: {} };
    const isValid = (schema: object): boolean => fieldsOf(schema, data).length === 0;
    const list = (schema: object): object => ({ properties: { list: schema } });
    const manyAnd = (schema: object): object => ({ allOf: [list(many), schema] });
    for (const [schema, expected] of [
      [list({ anyOf: [many, { type: 'array' }] }), true],
      [list({ anyOf: [many, many] }), false],
      [list({ not: many }), true],
      [list({ not: { not: many } }), false],
      [list({ oneOf: [many, { type: 'array' }] }), true],
      [list({ oneOf: [many, { type: 'array' }, { type: 'array' }] }), false],
      [list({ if: many, else: true }), true],
      [list({ if: many, else: false }), false],
      [{ anyOf: [manyAnd({ not: valid }), valid] }, true],
      [{ anyOf: [manyAnd({ anyOf: [valid, many] }), { not: valid }] }, false],
      [{ not: manyAnd(valid) }, true],
      [{ oneOf: [manyAnd({ anyOf: [{ not: valid }] }), valid] }, true],
      [{ $ref: '#/$defs/m', $defs: { m: list(many) } }, false],
      [{ not: { $ref: '#/$defs/m' }, $defs: { m: list(many) } }, true],
      [{ contains: many, properties: { list: { contains: { type: 'string' } } } }, false],
    ] as const) {
      expect([schema, isValid(schema)]).toEqual([schema, expected]);
    }
  });

  it('are not more to keep if each of 19 definitions refers to the next one twice', () => {
    const levels = Array.from({ length: 14 }, (_, n) => [
      `l${n}`,
      { allOf: [{ $ref: `#/$defs/l${n + 1}` }, { $ref: `#/$defs/l${n + 1}` }] },
    ]);
    const $defs = { ...Object.fromEntries(levels), l14: { items: { type: 'string' } } };
    const schema = { properties: { a: { $ref: '#/$defs/l0' } }, $defs };
    expect(fieldsOf(schema, { a: [1, 2, 3] })).toEqual(['data.a.0', 'data.a.1', 'data.a.2']);
  });

  it('are judged by each pattern of a schema, not by its first', () => {
    const schema = { properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } } };
    expect(fieldsOf(schema, { a: 'aa', b: 'bb' })).toEqual([]);
    expect(fieldsOf(schema, { a: 'bb', b: 'aa' })).toEqual(['data.a', 'data.b']);
  });

  it('that a backtracking pattern would never find are found', () => {
    const schema = { properties: { a: { type: 'string', pattern: '^(a+)+$' } } };
    expect(fieldsOf(schema, { a: `${'a'.repeat(10_000)}!` })).toEqual(['data.a']);
  });
});

describe('a schema', () => {
  it('may have all that the dialect has', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $comment: 'A tree.',
      title: 'Tree',
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, pattern: '^\\p{L}+$', examples: ['Ada'] },
        kind: { enum: ['leaf', 'branch'] },
        children: { type: 'array', prefixItems: [{ $ref: '#/$defs/node' }], items: false },
        $ref: { type: 'string' },
        $id: { const: 'x' },
      },
      patternProperties: { '^x-': { type: ['string', 'null'] } },
      if: { properties: { kind: { const: 'branch' } } },
      else: { not: { required: ['children'] } },
      $defs: { node: { $anchor: 'node', $ref: '#' } },
      deprecated: false,
    };
    expect(problemsOfSchema(schema)).toEqual([]);
    expect(
      fieldsOf(schema, { name: 'Ada', kind: 'branch', children: [{ name: '1' }], 'x-a': 1 }),
    ).toEqual(['data.children.0.name', 'data.x-a']);
  });

  it('may be annotated: by extensions, examples and unknown formats', () => {
    const schema = {
      'x-owner': { team: 'billing', requierd: true },
      example: { id: 'ord_1' },
      externalDocs: { url: 'https://example.com' },
      properties: {
        id: { type: 'string', format: 'order-id', 'X-Column': 'A', examples: ['ord_1'] },
        at: { format: 'date' },
        kind: { format: 'constructor' },
      },
    };
    expect(problemsOfSchema(schema)).toEqual([]);
    expect(fieldsOf(schema, { id: 'anything', at: 'noon', kind: 'any' })).toEqual(['data.at']);
  });

  it('has the profiles’ idea of an e-mail address, and takes anything for idn-email', () => {
    const schema = { items: { format: 'email' } };
    const addresses = [
      'ada@example.com',
      '"a b"@example.com',
      'root@localhost',
      'ada@[192.0.2.1]',
      'ada@bücher.example',
      `${'x'.repeat(100)}@example.com`,
    ];
    expect(fieldsOf(schema, addresses)).toEqual([]);
    const others = ['', 'ada', 'ada@', '@example.com', 'a b@example.com', 'Ada <ada@example.com>'];
    expect(fieldsOf(schema, others)).toEqual(others.map((_other, index) => `data.${index}`));
    expect(fieldsOf({ items: { format: 'idn-email' } }, others)).toEqual([]);
  });

  it('may have any data where it has data, and names where it has names', () => {
    const $ref = 'https://example.com/';
    for (const schema of [
      { const: { $ref } },
      { enum: [{ $ref, $id: 'x', format: 1 }] },
      { default: { $id: 'x' }, examples: [{ $ref }] },
    ]) {
      expect(problemsOfSchema({ properties: { a: schema } })).toEqual([]);
    }
    for (const name of ['const', 'enum', 'default', 'examples']) {
      const field = `schema.properties.${name}.$ref`;
      expect(problemsOfSchema({ properties: { [name]: { $ref } } })).toMatchObject([{ field }]);
    }
  });

  it('judges by own fields alone', () => {
    const schema = {
      anyOf: [{ properties: { a: {} } }, { properties: { b: { type: 'string' } } }],
      unevaluatedProperties: false,
    };
    expect(fieldsOf(schema, { a: 1 })).toEqual([]);
    for (const name of ['toString', 'constructor', 'valueOf', '__defineGetter__']) {
      expect(fieldsOf(schema, { [name]: 1 })).toEqual([`data.${name}`]);
      expect(
        fieldsOf({ properties: { x: { enum: [{ a: 1 }, 2] } } }, { x: { [name]: 1 } }),
      ).toEqual(['data.x']);
    }
  });

  it.each<[string, object, string]>([
    [
      'a misspelt keyword',
      { properties: { a: { minLenght: 1 } } },
      'schema.properties.a.minLenght',
    ],
    [
      'one that is a property’s name as well',
      { properties: { requierd: {} }, not: { requierd: ['a'] } },
      'schema.not.requierd',
    ],
    ['a name that is no extension', { 'x-': 1 }, 'schema.x-'],
    [
      'a reference to nothing',
      { properties: { a: { $ref: '#/$defs/b' } } },
      'schema.properties.a.$ref',
    ],
    ['a wrong value', { properties: { a: { minLength: '1' } } }, 'schema.properties.a.minLength'],
  ])('is refused for %s, which is named', (_title, schema, field) => {
    expect(problemsOfSchema(schema as Record<string, unknown>)).toMatchObject([{ field }]);
  });

  it('does not escape the check: what it declares isn’t there for the next one', () => {
    const first = { $defs: { a: { $anchor: 'shared', type: 'string' } } };
    expect(problemsOfSchema(first)).toEqual([]);
    expect(problemsOfSchema({ $ref: '#shared' })).toEqual([
      { field: 'schema.$ref', message: 'refers to something that does not exist, or is no schema' },
    ]);
  });
});
