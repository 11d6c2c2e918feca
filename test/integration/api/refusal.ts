import { ERRORS, type ErrorCode, type FieldProblem } from '../../../src/contracts/errors';
import type { Answer } from '../../support/api-client';
import type { Stack } from '../../support/stack';

/** Asserts that an answer is this refusal in the contract's form, and names just these fields. */
export function expectRefusal(answer: Answer, code: ErrorCode, fields?: readonly string[]): void {
  expect(answer.body).toEqual({
    success: false,
    error: {
      code,
      message: expect.stringMatching(/\S/),
      requestId: expect.stringMatching(/^req_[0-9a-f]{32}$/),
      ...(fields && { details: expect.any(Array) }),
    },
  });
  expect(answer.status).toBe(ERRORS[code].status);
  expect(answer.body.error.requestId).toBe(answer.headers.get('x-request-id'));
  if (!fields) return;
  const details = answer.body.error.details as FieldProblem[];
  expect(details.map(({ field }) => field)).toEqual(fields);
  expect(details.every(({ message }) => /\S/.test(message))).toBe(true);
}

/** How many documents MongoDB holds of each resource. */
export async function stored({ store }: Stack): Promise<Record<string, number>> {
  const resources = ['projects', 'keys', 'webhooks', 'events', 'deliveries'] as const;
  const counts = await Promise.all(
    resources.map(async (name) => [name, await store[name].model.countDocuments()] as const),
  );
  return Object.fromEntries(counts);
}
