import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../contracts/errors';

const errorCodes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

export const fieldProblemSchema = z
  .object({
    field: z.string().describe('By its path: `data.to.email`.'),
    message: z.string(),
  })
  .meta({ id: 'FieldProblem' });

/** Of every refusal; which codes a route has, its responses name. */
export const errorSchema = z
  .object({
    success: z.literal(false),
    error: z
      .object({
        code: z.enum(errorCodes).meta({ id: 'ErrorCode', description: 'What went wrong.' }),
        message: z.string(),
        details: z.array(fieldProblemSchema).readonly().optional(),
        requestId: z.string().describe('As in the header X-Request-Id.'),
      })
      .meta({ id: 'ErrorBody' }),
  })
  .meta({ id: 'Error' });

export type ErrorAnswer = z.infer<typeof errorSchema>;
