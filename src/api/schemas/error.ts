import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../contracts/errors';

const errorCodes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

const fieldProblemSchema = z
  .object({
    field: z.string().describe('Its path, such as `data.to.email`.'),
    message: z.string(),
  })
  .meta({ id: 'FieldProblem' });

/** The form of every error; a route's responses list its codes. */
export const errorSchema = z
  .object({
    success: z.literal(false),
    error: z
      .object({
        code: z.enum(errorCodes).meta({ id: 'ErrorCode', description: 'What went wrong.' }),
        message: z.string(),
        details: z.array(fieldProblemSchema).readonly().optional(),
        requestId: z.string().describe('The same as in the header X-Request-Id.'),
      })
      .meta({ id: 'ErrorBody' }),
  })
  .meta({ id: 'Error' });

export type ErrorAnswer = z.infer<typeof errorSchema>;
