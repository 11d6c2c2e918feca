import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type LogLevel,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { DELIVERY_FAILED_MESSAGE } from '../contracts/activities';

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** By its message: workflows run on another thread, and their errors come over without their type. */
function isDeliveryFailed(error: unknown): boolean {
  return error instanceof Error && error.message === DELIVERY_FAILED_MESSAGE;
}

/** Sends the SDK's and Core's logs to ours. Once per process, before the first worker. */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // A failed delivery shows as a failed workflow; its attempts are logged already.
      if (isDeliveryFailed(meta?.error)) return;
      const { error, ...rest } = meta ?? {};
      log[LEVELS[level]]({ ...rest, ...(error !== undefined && { err: error as Error }) }, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN' }) },
      ...(metricsAddress !== undefined && {
        metrics: { prometheus: { bindAddress: metricsAddress } },
      }),
    },
    // main.ts decides when the worker drains.
    shutdownSignals: [],
  });
}
