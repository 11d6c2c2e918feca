import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type LogLevel,
} from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import { FAILURE_TYPES } from '../contracts/activities';

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

function isDeliveryFailed(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === FAILURE_TYPES.deliveryFailed;
}

/** Sends the SDK's and Core's logs to ours. Once per process, before the first worker. */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // A failed delivery shows as a failed workflow; its attempts are logged already.
      if (isDeliveryFailed(meta?.error)) return;
      log[LEVELS[level]](meta ?? {}, message);
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
