import { toAddress, toId, toInstant, toReportId } from '../../../src/providers/fields';

describe('a time', () => {
  it.each([
    ['2026-10-01T09:30:00Z', '2026-10-01T09:30:00.000Z'],
    ['2026-10-01T11:30:00.123456+02:00', '2026-10-01T09:30:00.123Z'],
    ['2026-10-01T09:30Z', '2026-10-01T09:30:00.000Z'],
    [1_790_847_000, '2026-10-01T09:30:00.000Z'],
    [1_790_847_000.5549328, '2026-10-01T09:30:00.554Z'],
    [1_790_847_000_123, '2026-10-01T09:30:00.123Z'],
    ['1790847000', '2026-10-01T09:30:00.000Z'],
    ['1790847000.5', '2026-10-01T09:30:00.500Z'],
    ['1790847000123', '2026-10-01T09:30:00.123Z'],
  ])('%j is %s', (value, instant) => {
    expect(toInstant(value)).toBe(instant);
  });

  it.each([
    ['2026-10-01T09:30:00'],
    ['2026-10-01'],
    ['2026-10-01T09Z'],
    ['2026-10-01T09:30:00+02'],
    ['2027-02-29T09:30Z'],
    ['2026-02-30T00:00:00Z'],
    ['soon'],
    [''],
    ['-1'],
    ['1e9'],
    ['Infinity'],
    [0],
    [-1],
    [NaN],
    [Infinity],
    [1e300],
    [null],
    [undefined],
    [true],
    [{}],
    [['1790847000']],
  ])('%j is none', (value) => {
    expect(toInstant(value)).toBeNull();
  });
});

describe('a recipient', () => {
  it.each([
    ['jane@example.com', 'jane@example.com'],
    ['Jane <jane@example.com>', 'jane@example.com'],
    ['"a <b>" <jörg@müller.example> ', 'jörg@müller.example'],
    ['"john doe"@example.com', '"john doe"@example.com'],
    [`${'a'.repeat(321)}@b`, `${'a'.repeat(321)}@b`],
  ])('%j is %s', (value, address) => {
    expect(toAddress(value)).toBe(address);
  });

  it.each([['jane'], [''], ['Jane <jane>'], [null], [['jane@example.com']]])(
    '%j is none',
    (value) => {
      expect(toAddress(value)).toBeNull();
    },
  );
});

it('an id is text of any length, or a number', () => {
  const long = 'a'.repeat(2_000);
  expect(['<1@acme.example>', long, 7].map(toId)).toEqual(['<1@acme.example>', long, '7']);
  expect(['', null, undefined, {}, true].map(toId)).toEqual([null, null, null, null, null]);
});

it('a long id of a report is replaced by its hash', () => {
  const [one, two] = ['a'.repeat(256), `${'a'.repeat(255)}b`].map(toReportId);
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(two).not.toBe(one);
  expect(['a'.repeat(255), 7, '', null].map(toReportId)).toEqual([
    'a'.repeat(255),
    '7',
    null,
    null,
  ]);
});
