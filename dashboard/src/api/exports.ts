import { download, type Query } from './http';
import type { DeliverySummary } from './types';

export type ExportFormat = 'ndjson' | 'csv';

/** Everything that the filters match, as the API writes it. */
export const exportMatching = async (
  resource: 'deliveries' | 'events',
  filters: Query,
  format: ExportFormat,
): Promise<void> =>
  save(await download(`v1/${resource}/export`, { ...filters, format }), `${resource}.${format}`);

/** The chosen ones, with what the list knows of them. */
export function exportChosen(deliveries: readonly DeliverySummary[], format: ExportFormat): void {
  const text = format === 'ndjson' ? ndjson(deliveries) : csv(deliveries);
  const type = format === 'ndjson' ? 'application/x-ndjson' : 'text/csv';
  save(new Blob([text], { type }), `deliveries.${format}`);
}

const ndjson = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

function csv(deliveries: readonly DeliverySummary[]): string {
  const rows = deliveries.map(({ lastAttempt, ...rest }) => ({
    ...rest,
    statusCode: lastAttempt?.statusCode,
    errorCode: lastAttempt?.errorCode,
    durationMs: lastAttempt?.durationMs,
  }));
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))] as (keyof (typeof rows)[0])[];
  const line = (cells: readonly Parameters<typeof cell>[0][]): string =>
    `${cells.map(cell).join(',')}\r\n`;
  return line(names) + rows.map((row) => line(names.map((name) => row[name]))).join('');
}

/** A spreadsheet takes a text that begins like this for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
