import type { Ajv2020 } from 'ajv/dist/2020';
import type { DataValidationCxt } from 'ajv/dist/types';
import { exactly, isMultiple } from '../../domain/decimal';
import type { LargeInteger } from '../../domain/json-text';
import { oneOf } from '../http/messages';

/*
 * Replaces keywords that ajv checks by doubles, or by an equality that calls the data's own `valueOf`
 * and `toString`: these use the values as sent.
 */

type Place = Pick<DataValidationCxt, 'parentData' | 'parentDataProperty'>;

/** Whole numbers of the data that is being checked, by position. */
let largeIntegers: ReadonlyMap<object, ReadonlyMap<string | number, bigint>> = new Map();

/** Runs a check of data that contains these numbers. */
export function withLargeIntegers<T>(numbers: readonly LargeInteger[], check: () => T): T {
  const byHolder = new Map<object, Map<string | number, bigint>>();
  for (const { holder, key, value } of numbers) {
    const known = byHolder.get(holder) ?? new Map<string | number, bigint>();
    byHolder.set(holder, known.set(key, value));
  }
  largeIntegers = byHolder;
  try {
    return check();
  } finally {
    largeIntegers = new Map();
  }
}

function numberAt(
  value: number,
  holder: object | undefined,
  key: string | number,
): number | bigint {
  return (holder && largeIntegers.get(holder)?.get(key)) ?? exactly(value);
}

/** The same text for values that JSON Schema calls equal, and different texts for others. */
function textOf(value: unknown, holder: object | undefined, key: string | number): string {
  if (typeof value === 'number') return String(numberAt(value, holder, key));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, i) => textOf(item, value, i)).join(',')}]`;
  const members = Object.entries(value).map(
    ([name, inner]) => `${JSON.stringify(name)}:${textOf(inner, value, name)}`,
  );
  return `{${members.toSorted().join(',')}}`;
}

const textAt = (value: unknown, { parentData, parentDataProperty }: Place): string =>
  textOf(value, parentData, parentDataProperty);

const limits: Record<
  string,
  [words: string, holds: (a: number | bigint, b: number | bigint) => boolean]
> = {
  minimum: ['at least', (a, b) => a >= b],
  maximum: ['at most', (a, b) => a <= b],
  exclusiveMinimum: ['more than', (a, b) => a > b],
  exclusiveMaximum: ['less than', (a, b) => a < b],
  multipleOf: ['a multiple of', isMultiple],
};

export function useOwnKeywords(ajv: Ajv2020): void {
  for (const [keyword, [words, holds]] of Object.entries(limits)) {
    ajv.removeKeyword(keyword).addKeyword({
      keyword,
      type: 'number',
      schemaType: 'number',
      errors: false,
      error: { message: ({ schema }) => `must be ${words} ${schema}` },
      compile: (limit: number) => (value: number, place) =>
        holds(numberAt(value, place!.parentData, place!.parentDataProperty), exactly(limit)),
    });
  }
  ajv.removeKeyword('enum').addKeyword({
    keyword: 'enum',
    schemaType: 'array',
    errors: false,
    error: { message: ({ schema }) => `must be ${oneOf(schema as unknown[])}` },
    compile: (values: unknown[]) => {
      const texts = new Set(values.map((value) => textOf(value, undefined, '')));
      return (value, place) => texts.has(textAt(value, place!));
    },
  });
  ajv.removeKeyword('const').addKeyword({
    keyword: 'const',
    errors: false,
    error: { message: ({ schema }) => `must be ${oneOf([schema])}` },
    compile: (constant: unknown) => {
      const text = textOf(constant, undefined, '');
      return (value, place) => textAt(value, place!) === text;
    },
  });
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    error: { message: 'must not contain the same item twice' },
    compile: (isUnique: boolean) => (items: unknown[]) =>
      !isUnique || new Set(items.map((item, i) => textOf(item, items, i))).size === items.length,
  });
}
