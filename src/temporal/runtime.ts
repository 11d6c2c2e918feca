import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type LogLevel,
  type RuntimeOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { DELIVERY_FAILED_MESSAGE } from '../contracts/activities';
import { StartError } from '../start-error';

/**
 * Not the polls that are retried while Temporal is unavailable, dozens a second: `Readiness` reports that.
 */
const LOGGED_OF_CORE = `${makeTelemetryFilterString({ core: 'WARN' })},temporalio_client::retry=ERROR`;

/** By message: workflows run on another thread, and their errors arrive without their type. */
function isDeliveryFailed(error: unknown): boolean {
  return error instanceof Error && error.message === DELIVERY_FAILED_MESSAGE;
}

/**
 * Sends the SDK's and Core's logs to ours. Once per process, before the first worker.
 * @throws StartError if the metrics can't be served at their address
 */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  try {
    Runtime.install(runtimeOptions(log, metricsAddress));
  } catch (error) {
    const [, why] = /metrics exporter: (.*)/.exec((error as Error).message) ?? [];
    if (why === undefined) throw error;
    throw new StartError(
      `TEMPORAL_METRICS_ADDRESS: can't listen on ${metricsAddress}: ${why}; stop the process that uses it, or set another address`,
    );
  }
}

function runtimeOptions(log: Logger, metricsAddress?: string): RuntimeOptions {
  return {
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // A failed delivery shows as a failed workflow; its attempts are logged already.
      if (isDeliveryFailed(meta?.error)) return;
      const { error, ...rest } = meta ?? {};
      log[level.toLowerCase() as Lowercase<LogLevel>](
        { ...rest, ...(error !== undefined && { err: error as Error }) },
        message,
      );
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: LOGGED_OF_CORE },
      ...(metricsAddress !== undefined && {
        metrics: { prometheus: { bindAddress: metricsAddress } },
      }),
    },
    // src/roles.ts decides when the worker drains.
    shutdownSignals: [],
  };
}
