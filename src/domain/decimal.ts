/**
 * A number as its decimal digits, without leading and trailing zeros: 0.0120 is 12 × 10^-3. Zero has none.
 */
export interface Decimal {
  isNegative: boolean;
  digits: string;
  exponent: number;
}

/** The digits of a number as JSON writes it. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** @param literal a number as JSON or JavaScript writes it; finite */
export function decimalOf(literal: string): Decimal {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(literal)!;
  const all = whole + fraction;
  // Loops, since `/0+$/` takes quadratic time on a run of zeros.
  let start = 0;
  while (all[start] === '0') start += 1;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end -= 1;
  return {
    isNegative: sign === '-',
    digits: all.slice(start, end),
    exponent: Number(exponent) - fraction.length + (all.length - end),
  };
}

/** Whether the double that a literal is read as prints as the same number. */
export function isExact({ isNegative, digits, exponent }: Decimal, double: number): boolean {
  const printed = decimalOf(String(double));
  if (digits === '') return printed.digits === '';
  return (
    digits === printed.digits && exponent === printed.exponent && isNegative === printed.isNegative
  );
}

/** The exact value of a whole number beyond a double's safe integers; null for other numbers. */
export function largeInteger({ isNegative, digits, exponent }: Decimal): bigint | null {
  // 2^53 has sixteen digits; a zero has none, and any exponent.
  if (digits === '' || exponent < 0 || digits.length + exponent < 16) return null;
  const size = BigInt(digits + '0'.repeat(exponent));
  if (size <= BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return isNegative ? -size : size;
}

/** A number such as a schema's, for comparison with what `readJson` found in data. */
export function exactly(value: number): number | bigint {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
    ? value
    : (largeInteger(decimalOf(String(value))) ?? value);
}

/**
 * Whether one number is a multiple of another, in decimal: 19.99 is a multiple of 0.01, but not as doubles.
 */
export function isMultiple(of: number | bigint, unit: number | bigint): boolean {
  const [a, b] = [decimalOf(String(of)), decimalOf(String(unit))];
  if (a.digits === '') return true;
  const shared = Math.min(a.exponent, b.exponent);
  const scaled = ({ digits, exponent }: Decimal): bigint =>
    BigInt(digits) * 10n ** BigInt(exponent - shared);
  return scaled(a) % scaled(b) === 0n;
}
