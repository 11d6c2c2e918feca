import { z } from 'zod';
import { serialise } from '../http/answers';

/** One column of an export: a field of what is listed, or `parent.field` of one within. */
export interface Column {
  name: string;
  valueOf: (item: unknown) => unknown;
}

/** The columns of a schema, in its order. */
export function columnsOf(schema: z.ZodObject): Column[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => {
    const inner = bareSchema(field);
    const valueOf = (item: unknown): unknown => (item as Record<string, unknown> | null)?.[name];
    if (!(inner instanceof z.ZodObject)) return { name, valueOf };
    return columnsOf(inner).map((column) => ({
      name: `${name}.${column.name}`,
      valueOf: (item: unknown) => column.valueOf(valueOf(item)),
    }));
  });
}

function bareSchema(schema: unknown): unknown {
  const isWrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodNullable;
  return isWrapped ? bareSchema(schema.unwrap()) : schema;
}

export const headerRow = (columns: readonly Column[]): string =>
  csvRow(columns.map(({ name }) => name));

export const rowOf = (columns: readonly Column[], item: unknown): string =>
  csvRow(columns.map(({ valueOf }) => valueOf(item)));

/** A row as RFC 4180 writes it; what isn't a string, a number, a Boolean or a time is JSON. */
export function csvRow(values: readonly unknown[]): string {
  return `${values.map((value) => quoted(cellOf(value))).join(',')}\r\n`;
}

/** What a spreadsheet would take for a formula, even after white space and in full-width characters. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // A spreadsheet that separates by semicolons would begin a cell, perhaps a formula, amid strangers' words.
  const text = typeof value === 'string' ? value : serialise(value).replaceAll(';', '\\u003b');
  return FORMULA.test(text) ? `'${text}` : text;
}

const quoted = (text: string): string =>
  /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
