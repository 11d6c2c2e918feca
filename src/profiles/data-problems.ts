import type { z } from 'zod';

/** What is wrong with one field of an event's data. */
export interface DataProblem {
  /** The field, dotted from `data`'s top: `to.email`, `changedFields.0`; empty: the data itself. */
  path: string;
  message: string;
}

/**
 * A refusal's problems, each by the field's own path. Zod reports unknown fields as one issue of
 * the object that holds them; the contract wants each of them named (section 2), so they are split.
 */
export function dataProblems(error: z.ZodError): DataProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: [...issue.path, key].join('.'),
          message: 'Not a field of this event type',
        }))
      : [{ path: issue.path.join('.'), message: issue.message }],
  );
}
