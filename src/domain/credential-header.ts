/** Headers whose values are credentials, by the words in their names. */
const CREDENTIAL = /auth|token|secret|key|password|cookie|credential/i;

/** Headers as they are logged, and shown to those who may only read: credentials stay out. */
export function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      CREDENTIAL.test(name) ? '[redacted]' : value,
    ]),
  );
}
