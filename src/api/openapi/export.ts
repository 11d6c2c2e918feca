import type { z } from 'zod';
import { columnsOf, headerRow, rowOf } from '../exports/csv';
import { EXPORT_TYPES } from '../exports/exports';
import type { TextAnswer } from './operation';

/** What is said about each export. */
export const EXPORT =
  'All pages of the list in one answer, in its order: a JSON object per line (`ndjson`), or a header row and a row per item (`csv`). Each item is shown as it was when it was read. A complete export ends with the last chunk of the body, and with the trailer `X-Export-Count`. If an export fails midway, its last line is the error, `{"error":{"code","message","requestId"}}` or a row that begins with `#error`, and the connection closes early; continue it with the last id as `cursor`. In CSV, fields within a field are called `parent.field`, other values that are not scalars are JSON, and a `\'` precedes what a spreadsheet would take for a formula.';

/** An export of what a list shows. */
export function exported<S extends z.ZodObject>(item: S, example: z.infer<S>): TextAnswer {
  const columns = columnsOf(item);
  return {
    description: 'The items.',
    texts: {
      [EXPORT_TYPES.ndjson]: `${JSON.stringify(example)}\n`,
      [EXPORT_TYPES.csv]: headerRow(columns) + rowOf(columns, example),
    },
    headers: { 'Content-Disposition': 'Suggests a name for the file.' },
  };
}
