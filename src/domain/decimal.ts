/** A number by its decimal digits, without zeros before or behind them: 0.0120 is 12 × 10^-3. Zero has none. */
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
  // Loops, since `/0+$/` takes time with the square of a run of zeros.
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

/** Whether the double that is read for a literal prints as the same number. */
export function isExact({ isNegative, digits, exponent }: Decimal, double: number): boolean {
  const printed = decimalOf(String(double));
  if (digits === '') return printed.digits === '';
  return (
    digits === printed.digits && exponent === printed.exponent && isNegative === printed.isNegative
  );
}

/** A whole number beyond those that doubles count one by one, as its digits say; null for others. */
export function largeInteger({ isNegative, digits, exponent }: Decimal): bigint | null {
  // Sixteen digits are what 2^53 has.
  if (exponent < 0 || digits.length + exponent < 16) return null;
  const size = BigInt(digits + '0'.repeat(exponent));
  if (size <= BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return isNegative ? -size : size;
}

/** A number of ours, such as a schema's, to compare with what `readJson` has found in data. */
export function exactly(value: number): number | bigint {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
    ? value
    : (largeInteger(decimalOf(String(value))) ?? value);
}

/** Whether one number is a multiple of another, in decimals: 19.99 is one of 0.01, which no double is. */
export function isMultiple(of: number | bigint, unit: number | bigint): boolean {
  const [a, b] = [decimalOf(String(of)), decimalOf(String(unit))];
  if (a.digits === '') return true;
  const shared = Math.min(a.exponent, b.exponent);
  const scaled = ({ digits, exponent }: Decimal): bigint =>
    BigInt(digits) * 10n ** BigInt(exponent - shared);
  return scaled(a) % scaled(b) === 0n;
}
