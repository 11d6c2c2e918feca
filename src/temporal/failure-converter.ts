import {
  DefaultFailureConverter,
  type PayloadConverter,
  type ProtoFailure,
} from '@temporalio/common';

/**
 * Failures as kept in histories: without stack traces, which reveal folders and code, but nothing that is
 * useful to readers of a delivery. The worker's log has them.
 */
class HistoryFailureConverter extends DefaultFailureConverter {
  override errorToFailure(error: unknown, payloadConverter: PayloadConverter): ProtoFailure {
    return withoutStack(super.errorToFailure(error, payloadConverter));
  }
}

/** Failures from a history are passed on unchanged, so causes are processed too. */
function withoutStack(failure: ProtoFailure): ProtoFailure {
  const { cause } = failure;
  return { ...failure, stackTrace: '', ...(cause && { cause: withoutStack(cause) }) };
}

/** The SDK looks for it by this name, in the worker and in the workflows' bundle. */
export const failureConverter = new HistoryFailureConverter();
