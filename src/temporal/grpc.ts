import { isGrpcServiceError } from '@temporalio/client';

export const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export const isRefusedWith = (error: unknown, ...codes: number[]): boolean =>
  refusalOf(error, ...codes) !== null;

/** What a server said when it refused a call with one of these codes; the SDK wraps some refusals in its own errors. */
export function refusalOf(error: unknown, ...codes: number[]): string | null {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && codes.includes(cause.code) ? cause.details : null;
}
