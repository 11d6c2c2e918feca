import pino, { type Logger } from 'pino';
import { LogOutput, neverBlock } from './log-output';
import { isStoreUnavailable } from './store/errors';
import { GRPC, isRefusedWith } from './temporal/grpc';

const GRPC_UNAVAILABLE = [GRPC.deadlineExceeded, GRPC.unavailable];

/** Names under which a secret could reach the log; the values never do. */
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

/** The process's logger: one JSON object a line on standard output. It never holds up the process. */
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
 * Of a MongoDB or a Temporal that can't be used the stack says nothing: it tells of the driver. Why it is
 * so, `Readiness` logs.
 */
function toLogged(error: Error): object {
  const { name, message } = error;
  const isOfConnection = isStoreUnavailable(error) || isRefusedWith(error, ...GRPC_UNAVAILABLE);
  return isOfConnection
    ? { type: name, message: message.split('\n')[0] }
    : pino.stdSerializers.err(error);
}
