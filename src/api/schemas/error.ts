import { z } from 'zod';
import { ERROR_STATUS, type ErrorCode } from '../../contracts/errors';

const errorCodes = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]];

export const fieldProblemSchema = z
  .object({
    field: z.string().describe('By its path: `data.to.email`.'),
    message: z.string(),
  })
  .meta({ id: 'FieldProblem' });

/** A refusal with one of these codes. */
export const errorSchema = (codes: readonly ErrorCode[] = errorCodes) =>
  z.object({
    success: z.literal(false),
    error: z.object({
      code: z.enum(codes),
      message: z.string(),
      details: z.array(fieldProblemSchema).readonly().optional(),
      requestId: z.string().describe('As in the header X-Request-Id.'),
    }),
  });

export type ErrorAnswer = z.infer<ReturnType<typeof errorSchema>>;
