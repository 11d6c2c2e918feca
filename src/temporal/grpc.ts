import { isGrpcServiceError } from '@temporalio/client';

/** The gRPC status codes that Posthorn distinguishes. */
export const GRPC = {
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Whether a call was refused with one of these codes; the SDK wraps some refusals in its own errors. */
export function isRefusedWith(error: unknown, ...codes: number[]): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && codes.includes(cause.code);
}
