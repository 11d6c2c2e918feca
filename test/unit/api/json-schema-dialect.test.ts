/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
import { dataProblems, schemaProblems } from '../../../src/api/events/json-schema';
import { toPayload } from '../../../src/domain/json-text';

const isValid = (schema: object, data: object): boolean =>
  dataProblems(JSON.stringify(schema), toPayload(data as Record<string, unknown>), ['data'])
    .problems.length === 0;

const text = { type: 'string' };
const card = { properties: { card: text }, required: ['card'] };
const iban = { properties: { iban: text }, required: ['iban'] };
const base = { properties: { id: text }, required: ['id'] };
const closed = { unevaluatedProperties: false };
const inList = (schema: object): object => ({ properties: { list: schema } });

/** Schemas, with data that they take and that they refuse, as Python's jsonschema does. */
const judged: [string, object, object[], object[]][] = [
  [
    'patternProperties beside if, else with additionalProperties',
    {
      patternProperties: { '^x_': text },
      if: { required: ['kind'] },
      then: { required: ['amount'] },
      else: { additionalProperties: false },
    },
    [{ kind: 'card', amount: 1, x_ref: 'r' }, {}],
    [{ kind: 'card', x_ref: 'r' }, { x_ref: 'r' }, { kind: 'card', amount: 1, x_ref: 1 }],
  ],
  [
    'patternProperties beside oneOf, one of which is closed',
    { patternProperties: { '^x_': text }, oneOf: [card, { ...closed, properties: { id: {} } }] },
    [{ card: '4', x_ref: 'r' }, { id: 1 }],
    [{ x_ref: 'r' }, { card: '4', x_ref: 1 }],
  ],
  [
    '$ref beside oneOf',
    { $ref: '#/$defs/base', oneOf: [card, iban], ...closed, $defs: { base } },
    [
      { id: '1', card: '4' },
      { id: '1', iban: 'DE' },
    ],
    [{ id: '1' }, { id: '1', iban: 'DE', other: 1 }, { id: '1', card: '4', iban: 'DE' }],
  ],
  [
    '$ref beside anyOf',
    { $ref: '#/$defs/base', anyOf: [card, iban], ...closed, $defs: { base } },
    [
      { id: '1', iban: 'DE' },
      { id: '1', card: '4', iban: 'DE' },
    ],
    [{ id: '1', iban: 'DE', card: 4 }],
  ],
  [
    'allOf beside if',
    { allOf: [base], if: { required: ['card'] }, then: card, else: iban, ...closed },
    [
      { id: '1', card: '4' },
      { id: '1', iban: 'DE' },
    ],
    [{ id: '1', card: '4', iban: 'DE' }],
  ],
  [
    'properties beside dependentSchemas',
    { ...base, dependentSchemas: { card: card, iban: iban }, ...closed },
    [{ id: '1' }, { id: '1', iban: 'DE' }, { id: '1', card: '4', iban: 'DE' }],
    [
      { id: '1', other: 1 },
      { id: '1', card: '4', other: 1 },
    ],
  ],
  [
    'if that does not hold, and so evaluates nothing',
    { if: { properties: { a: { const: 1 } } }, then: true, ...closed },
    [{ a: 1 }, {}],
    [{ a: 2 }],
  ],
  [
    'if on its own, which evaluates',
    { if: { properties: { a: { const: 1 } } }, ...closed },
    [{ a: 1 }, {}],
    [{ a: 2 }, { a: 1, b: 1 }],
  ],
  [
    'a reference to itself, which evaluates for one event only',
    {
      properties: {
        child: { $ref: '#', patternProperties: { '^x': {} }, ...closed },
        twin: { $ref: '#', ...closed },
      },
    },
    [{ child: { x1: 1 } }, { twin: { child: {} } }],
    [{ twin: { x1: 1 } }, { child: { y: 1 } }],
  ],
  [
    'contains, which evaluates what matches, in a branch',
    inList({
      anyOf: [{ contains: text }, { prefixItems: [{ type: 'integer' }] }],
      unevaluatedItems: { type: 'null' },
    }),
    [{ list: ['a', null, 'b'] }, { list: [1, null] }, { list: [1, 'a', null] }, { list: 1 }],
    [{ list: ['a', 1] }, { list: [1, 2] }],
  ],
  [
    'contains beside fields',
    inList({ contains: text, patternProperties: { '^x': text }, unevaluatedItems: false }),
    [{ list: ['a'] }, { list: { x: 'a' } }],
    [{ list: ['a', 1] }, { list: { x: 1 } }],
  ],
  [
    'fields that are called like indexes, beside items',
    {
      properties: {
        list: { allOf: [{ properties: { 0: {} } }], unevaluatedItems: false },
        same: {
          anyOf: [{ $ref: '#/$defs/first' }],
          properties: { 1: {} },
          unevaluatedItems: false,
        },
      },
      $defs: { first: { properties: { 0: {} } } },
    },
    [
      { list: { 0: 1 }, same: { 1: 1 } },
      { list: [], same: [] },
    ],
    [{ list: [1] }, { same: [1] }, { same: [1, 2] }],
  ],
  [
    'lists shorter than prefixItems, in not and if',
    {
      properties: {
        not: { not: { prefixItems: [text], contains: true } },
        if: { if: { prefixItems: [true, true, text], uniqueItems: true }, then: false },
      },
    },
    [{ not: [] }, { not: [1] }, { if: [1, 1] }, { if: [1, 2, 3] }],
    [{ not: ['a'] }, { if: [1, 2] }, { if: [] }, { if: [1, 2, 'a'] }],
  ],
  [
    'anyOf of prefixItems and items',
    inList({ anyOf: [{ prefixItems: [text] }, { items: text }], unevaluatedItems: false }),
    [{ list: ['a'] }, { list: ['a', 'b'] }],
    [{ list: ['a', 1] }],
  ],
  [
    'a dynamic reference to an ordinary anchor',
    {
      properties: { a: { $dynamicRef: '#text' }, b: { $dynamicRef: '#any' } },
      $defs: { text: { $anchor: 'text', ...text }, any: { $dynamicAnchor: 'any', ...base } },
    },
    [{ a: 'a', b: { id: '1' } }],
    [{ a: 1 }, { b: {} }],
  ],
  [
    'properties that patterns match too',
    { ...base, patternProperties: { '^i': {} } },
    [{ id: '1' }],
    [{}],
  ],
  ['then and else on their own', { then: false, else: false }, [{}], []],
  [
    'minContains of 0',
    inList({ contains: text, minContains: 0 }),
    [{ list: [] }, { list: [1] }],
    [],
  ],
  ['minContains on its own', inList({ minContains: 2 }), [{ list: [] }], []],
  [
    'more at least than at most',
    inList({ contains: text, minContains: 2, maxContains: 1 }),
    [{}],
    [{ list: ['a', 'b'] }],
  ],
  [
    'fields that are called like keywords',
    { properties: { $async: text, $schema: text, nullable: text, id: text, requierd: text } },
    [{ $async: 'a' }],
    [{ $async: true }],
  ],
  [
    'definitions that are called like keywords',
    { $ref: '#/$defs/$id', $defs: { $id: { $ref: '#/$defs/a~1%25' }, 'a/%': base } },
    [{ id: '1' }],
    [{}],
  ],
];

describe('a schema of the dialect is taken, and judges as it says', () => {
  it.each(judged)('%s', (_title, schema, valid, invalid) => {
    expect(schemaProblems(schema as Record<string, unknown>).problems).toEqual([]);
    for (const data of valid) expect([data, isValid(schema, data)]).toEqual([data, true]);
    for (const data of invalid) expect([data, isValid(schema, data)]).toEqual([data, false]);
    for (const data of valid) expect([data, isValid(schema, data)]).toEqual([data, true]);
  });
});

describe('what is no schema of the dialect is refused at its place', () => {
  it.each<[string, object, string]>([
    ...[null, 1, {}, true, []].map((value): [string, object, string] => [
      `a $schema of ${JSON.stringify(value)}`,
      { properties: { a: { $schema: value } }, $schema: value },
      'schema.$schema',
    ]),
    ['$async as a keyword', { not: { $async: true } }, 'schema.not.$async'],
    ['a keyword of OpenAPI', { items: { nullable: true } }, 'schema.items.nullable'],
    ['a keyword of a former dialect', { $recursiveRef: '#' }, 'schema.$recursiveRef'],
    ['a pattern that RE2 lacks', { pattern: '(?=a)' }, 'schema.pattern'],
    ['a name’s pattern', { patternProperties: { '(': {} } }, 'schema.patternProperties.('],
    ['a reference to names', { $ref: '#/properties', properties: {} }, 'schema.$ref'],
    ['a reference to data', { $ref: '#/enum/0', enum: [null] }, 'schema.$ref'],
    ['a reference that is malformed', { $ref: '#/$defs/%', $defs: { '%': {} } }, 'schema.$ref'],
    ['an anchor of two schemas', { $anchor: 'a', not: { $anchor: 'a' } }, 'schema.not.$anchor'],
    [
      'references in a circle',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
      'schema',
    ],
  ])('%s', (_title, schema, field) => {
    expect(schemaProblems(schema as Record<string, unknown>).problems).toContainEqual({
      field,
      message: expect.not.stringMatching(/strict mode|Cannot read|is not a function/),
    });
  });
});

describe('references that overflow the stack', () => {
  it('are said to be in a circle, or too many in a row', () => {
    expect(schemaProblems({ $ref: '#/not', not: { $ref: '#/not' } }).problems).toEqual([
      {
        field: 'schema',
        message: 'has references that only lead to each other, or too many in a row',
      },
    ]);
  });
});

describe('a check that fails by a bug', () => {
  const told = [{ field: 'data' }];

  it('is a problem of that event, and says why', () => {
    // It can't be defined, so that compiling it is a bug.
    const schema = '{"type":"strin"}';
    expect(dataProblems(schema, toPayload({}), ['data'])).toMatchObject({
      problems: told,
      bug: expect.stringMatching(/must be.*\n +at /),
    });
  });

  it('says nothing of the data', () => {
    const value = {
      get a(): string {
        throw new Error('secret\nsecret');
      },
    };
    const found = dataProblems('{"required":["a"]}', { ...toPayload({}), value }, ['data']);
    expect(found).toMatchObject({ problems: told, bug: expect.stringMatching(/^ +at /) });
    expect(found.bug).not.toContain('secret');
  });

  it('has nothing to say of references that never end', () => {
    const schema = '{"anyOf":[{"$ref":"#"}]}';
    expect(dataProblems(schema, toPayload({}), ['data'])).toEqual({
      problems: [{ ...told[0], message: expect.stringContaining('takes too long') }],
      more: 0,
    });
  });
});
