/** Headers whose values are credentials, by the words in their names. */
const CREDENTIAL =
  /auth|token|jwt|bearer|secret|key|pass|pwd|cookie|credential|session|csrf|xsrf|signature/i;
/** Our own, which no webhook may set: receivers compare their signature with the logged one. */
const OURS = /^(x-webhook-signature(-previous)?|webhook-signature)$/i;

/** Headers as they are logged, and shown to readers: without credentials. */
export function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      CREDENTIAL.test(name) && !OURS.test(name) ? '[redacted]' : value,
    ]),
  );
}
