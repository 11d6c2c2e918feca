import { MINUTE_MS } from '../../../src/domain/durations';
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

/** As the API's own export has them. */
const COLUMNS = [
  'id',
  'eventId',
  'webhookId',
  'projectId',
  'eventType',
  'status',
  'attemptCount',
  'lastAttempt.number',
  'lastAttempt.startedAt',
  'lastAttempt.durationMs',
  'lastAttempt.outcome',
  'lastAttempt.statusCode',
  'lastAttempt.errorCode',
  'nextAttemptAt',
  'endReason',
  'replays',
  'test',
  'createdAt',
  'completedAt',
] as const;

type Cell = string | number | boolean | null;

/** Ids, words, figures and times: none of them needs quotes, or is a formula to a spreadsheet. */
function csv(deliveries: readonly DeliverySummary[]): string {
  const rows = deliveries.map(({ lastAttempt, ...rest }) => {
    const attempt = Object.entries(lastAttempt ?? {});
    const last = attempt.map(([name, value]) => [`lastAttempt.${name}`, value] as const);
    const values = new Map<string, Cell>([...Object.entries(rest), ...last]);
    return COLUMNS.map((name) => values.get(name) ?? '');
  });
  return [COLUMNS, ...rows].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** Some browsers save nothing from a link outside the document, or from a URL that is revoked before they read it. */
function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), MINUTE_MS);
}
