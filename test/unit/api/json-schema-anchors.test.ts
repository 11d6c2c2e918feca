import { dataProblems, schemaProblems } from '../../../src/api/events/json-schema';
import { toPayload } from '../../../src/domain/json-text';

const isValid = (schema: object, data: object): boolean =>
  dataProblems(JSON.stringify(schema), toPayload(data as Record<string, unknown>), ['data'])
    .problems.length === 0;

const text = { type: 'string' };
const tree = (reference: object): object => ({
  type: 'object',
  properties: { name: text, children: { items: reference } },
});
const trees: [object[], object[]] = [
  [{ children: [{ name: 'a', children: [{}] }] }],
  [{ children: [1] }, { children: [{ children: [{ name: 1 }] }] }],
];

/** Schemas, with data that they take and that they refuse, as Python's jsonschema does. */
const judged: [string, object, object[], object[]][] = [
  [
    'a dynamic reference to the outermost schema',
    { $dynamicAnchor: 'node', ...tree({ $dynamicRef: '#node' }) },
    ...trees,
  ],
  [
    'a reference to the outermost schema',
    { $anchor: 'node', ...tree({ $ref: '#node' }) },
    ...trees,
  ],
  [
    'an anchor after what refers to it, and unevaluated fields',
    {
      ...tree({ $ref: '#node' }),
      allOf: [{ $ref: '#/$defs/named' }],
      unevaluatedProperties: false,
      $defs: { named: { properties: { title: { $dynamicRef: '#title' } } }, title: true },
      not: { required: ['never'], properties: { never: { $anchor: 'title', ...text } } },
      $anchor: 'node',
    },
    [{ title: 'a', children: [{ title: 'b' }] }],
    [{ children: [{ other: 1 }] }, { children: [{ title: 1 }] }],
  ],
  [
    'an anchor in prefixItems',
    { properties: { a: { prefixItems: [{ $anchor: 'a', ...text }], items: { $ref: '#a' } } } },
    [{ a: ['a', 'b'] }],
    [{ a: ['a', 1] }, { a: [1] }],
  ],
  [
    'anchors in dependentSchemas, and below names that a pointer must escape',
    {
      dependentSchemas: { a: { $anchor: 'a', required: ['b'] } },
      properties: {
        'a/b~1%25 "é#?': { $anchor: 'odd', ...text },
        other: { $ref: '#odd' },
        inner: { $ref: '#a' },
      },
    },
    [{ other: 'a', inner: { b: 1 } }],
    [{ other: 1 }, { inner: {} }, { a: 1 }],
  ],
  [
    'fields and definitions that are called like references and anchors',
    {
      properties: { $anchor: { $ref: '#name' }, $ref: { const: { $anchor: 'x', $ref: '#name' } } },
      $defs: { $anchor: { $anchor: 'name', ...text } },
    },
    [{ $anchor: 'a' }, { $ref: { $anchor: 'x', $ref: '#name' } }],
    [{ $anchor: 1 }, { $ref: { $anchor: 'x', $ref: '#/$defs/$anchor' } }, { $ref: {} }],
  ],
  [
    'annotations that have members called like keywords',
    {
      'x-address': { $anchor: '12 Main St', items: [{ $anchor: '1 2' }], $ref: 'none' },
      example: { $anchor: '12 Main St', $dynamicAnchor: 'a' },
      examples: [{ $anchor: '12 Main St' }],
      default: { $anchor: 'a' },
      properties: { a: { $anchor: 'a', ...text }, b: { $ref: '#a' } },
    },
    [{ b: 'a' }],
    [{ b: 1 }],
  ],
];

describe('a reference by name', () => {
  it.each(judged)('is taken, and judges as the dialect says: %s', (_title, schema, ...data) => {
    expect(schemaProblems(schema as Record<string, unknown>).problems).toEqual([]);
    const [valid, invalid] = data;
    for (const value of valid) expect([value, isValid(schema, value)]).toEqual([value, true]);
    for (const value of invalid) expect([value, isValid(schema, value)]).toEqual([value, false]);
  });

  it.each([
    ['nothing', { $ref: '#a' }, 'schema.$ref'],
    ['nothing, dynamically', { not: { $dynamicRef: '#a' } }, 'schema.not.$dynamicRef'],
    ['an annotation', { 'x-a': { $anchor: 'a' }, $ref: '#a' }, 'schema.$ref'],
    ['data', { const: { $anchor: 'a' }, $ref: '#a' }, 'schema.$ref'],
  ])('is refused if it leads to %s', (_title, schema, field) => {
    const message = 'refers to something that does not exist, or is no schema';
    expect(schemaProblems(schema).problems).toEqual([{ field, message }]);
  });
});

describe('a stored schema goes on checking, though it would be refused now', () => {
  it.each<[string, object, object, object]>([
    [
      'a dynamic reference without an anchor, which leads to the schema itself',
      tree({ $dynamicRef: '#node' }),
      { children: [{}] },
      { children: [{ name: 1 }] },
    ],
    [
      'a dynamic reference by a path to nothing',
      tree({ $dynamicRef: '#/$defs/node' }),
      { children: [{}] },
      { children: [{ name: 1 }] },
    ],
    [
      'a reference to a schema in an annotation',
      {
        properties: { a: { $ref: '#a' }, b: { $ref: '#/x-shared/a' } },
        'x-shared': { a: { $anchor: 'a', ...text } },
      },
      { a: 'a', b: 'b' },
      { a: 1 },
    ],
    [
      'one name of two schemas: the outermost one has it',
      {
        $dynamicAnchor: 'node',
        ...tree({ $dynamicRef: '#node' }),
        $defs: { leaf: { $dynamicAnchor: 'node', type: 'null' } },
      },
      { children: [{}] },
      { children: [null] },
    ],
  ])('%s', (_title, schema, valid, invalid) => {
    expect(schemaProblems(schema as Record<string, unknown>).problems).not.toEqual([]);
    expect(isValid(schema, valid)).toBe(true);
    expect(isValid(schema, invalid)).toBe(false);
  });
});
