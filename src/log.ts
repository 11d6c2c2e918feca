import pino, { type Logger } from 'pino';
import { LogOutput, neverBlock } from './log-output';
import { isStoreUnavailable } from './store/errors';
import { GRPC, isRefusedWith } from './temporal/grpc';

const GRPC_UNAVAILABLE = [GRPC.deadlineExceeded, GRPC.unavailable];

/** Names of fields that could hold a secret: their values are never logged. */
const REDACTED = [
  'secret',
  'key',
  'adminKey',
  'encryptionKey',
  'apiKey',
  'authorization',
  'password',
  '*.secret',
  '*.authorization',
  'req.headers.authorization',
];

/** The process's logger: one JSON object per line on standard output. It never blocks the process. */
export function createLogger(level: string, role: string): Logger {
  neverBlock();
  const output = new LogOutput(process.stdout.fd);
  const log = pino(
    {
      level,
      base: { role },
      redact: { paths: REDACTED, censor: '[redacted]' },
      serializers: { err: toLogged },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    output,
  );
  output.onRecovered = (lines) => {
    log.error({ lines }, 'lines of this log were dropped: they could not be written');
  };
  process.once('exit', () => output.flush());
  return log;
}

/**
 * When MongoDB or Temporal can't be used, the stack says nothing useful: it shows the driver. `Readiness`
 * logs the reason.
 */
function toLogged(error: Error & { code?: unknown }): object {
  const { name, message, code } = error;
  const isOfConnection = isStoreUnavailable(error) || isRefusedWith(error, ...GRPC_UNAVAILABLE);
  if (isOfConnection) return { type: name, message: message.split('\n')[0] };
  // Not what else an error has: the driver's of a refused write has the documents.
  const { type, message: withCauses, stack } = pino.stdSerializers.err(error);
  return { type, code, message: withCauses, stack };
}
