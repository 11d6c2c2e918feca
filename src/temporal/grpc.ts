import { isGrpcServiceError } from '@temporalio/client';

/** The gRPC status codes that Posthorn tells apart. */
export const GRPC = { notFound: 5, alreadyExists: 6 } as const;

/** Whether a call was refused with that code; the SDK wraps some refusals in errors of its own. */
export function isRefusedWith(error: unknown, code: number): boolean {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && [code].includes(cause.code);
}
