import {
  DefaultFailureConverter,
  type PayloadConverter,
  type ProtoFailure,
} from '@temporalio/common';

/**
 * Failures as histories keep them: without stack traces, which tell of folders and code, and of nothing that
 * whoever looks at a delivery could use. The worker's log has them.
 */
class HistoryFailureConverter extends DefaultFailureConverter {
  override errorToFailure(error: unknown, payloadConverter: PayloadConverter): ProtoFailure {
    return withoutStack(super.errorToFailure(error, payloadConverter));
  }
}

/** What came from a history is passed on as it is, so its causes are looked at too. */
function withoutStack(failure: ProtoFailure): ProtoFailure {
  const { cause } = failure;
  return { ...failure, stackTrace: '', ...(cause && { cause: withoutStack(cause) }) };
}

/** By this name the SDK looks for it, in the worker and in the workflows' bundle. */
export const failureConverter = new HistoryFailureConverter();
