import { toAddress, toEmailId, toInstant } from '../../../src/providers/fields';

describe('a time', () => {
  it.each([
    ['2026-10-01T09:30:00Z', '2026-10-01T09:30:00.000Z'],
    ['2026-10-01T11:30:00.123456+02:00', '2026-10-01T09:30:00.123Z'],
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
  ])('%j is %s', (value, address) => {
    expect(toAddress(value)).toBe(address);
  });

  it.each([
    ['jane'],
    [''],
    ['Jane <jane>'],
    [null],
    [['jane@example.com']],
    [`${'a'.repeat(321)}@b`],
  ])('%j is none', (value) => {
    expect(toAddress(value)).toBeNull();
  });
});

it("an e-mail's id is text of at most a header line", () => {
  expect(toEmailId('<1@acme.example>')).toBe('<1@acme.example>');
  expect([toEmailId(''), toEmailId(7), toEmailId('a'.repeat(999))]).toEqual([null, null, null]);
});
