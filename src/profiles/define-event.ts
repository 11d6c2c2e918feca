import type { z } from 'zod';
import type { EventTypeDefinition } from './profile';

/** One catalogue entry; the compiler checks its sample against its schema. */
export function defineEvent<S extends z.ZodType<Record<string, unknown>>>(
  type: string,
  description: string,
  data: S,
  sample: z.output<S>,
): EventTypeDefinition {
  return { type, description, data, sample };
}
