/** Headers whose values are credentials, by the words in their names. */
const CREDENTIAL =
  /auth|token|jwt|bearer|secret|key|pass|pwd|cookie|credential|session|csrf|xsrf|signature/i;
/** Ours, which no webhook may set: a signature in the log is what receivers compare theirs with. */
const OURS = /^(x-)?webhook-/i;

/** Headers as they are logged, and shown to those who may only read: credentials stay out. */
export function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      CREDENTIAL.test(name) && !OURS.test(name) ? '[redacted]' : value,
    ]),
  );
}
