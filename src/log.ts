import pino, { type Logger } from 'pino';
import { LogOutput, neverBlock } from './log-output';

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
