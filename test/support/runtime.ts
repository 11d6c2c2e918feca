import { IllegalStateError } from '@temporalio/worker';
import { pino } from 'pino';
import { installRuntime } from '../../src/temporal/runtime';

/**
 * Tests show failures, not the SDK's log. Test files of a worker share the SDK, which ends a runtime with its
 * last worker: one may be left where a test failed before it could stop its stack. A runtime that never has a
 * worker would keep jest from ending.
 */
export function ensureRuntime(): void {
  try {
    installRuntime(pino({ level: 'silent' }));
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}
