import pino, { type Logger } from 'pino';

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

/** The process's logger: one JSON object a line on standard output. */
export function createLogger(level: string, role: string): Logger {
  return pino({
    level,
    base: { role },
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
