import { createHmac } from 'node:crypto';
import type { Scheme, SignatureInput } from './scheme';
import { secretKey } from './secret';

/** The `standard` scheme: Standard Webhooks 1.0, symmetric (`v1`), one signature per live secret. */
export const standard: Scheme = (input) => {
  const content = signedContent(input);
  return standardHeaders(
    input,
    input.secrets.map((secret) => {
      const key = secretKey(secret, input.secretFormat);
      return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
    }),
  );
};

/** The bytes that Standard Webhooks signs: `{id}.{timestamp}.{body}`. */
export function signedContent({ eventId, now, body }: SignatureInput): Buffer {
  return Buffer.concat([
    Buffer.from(`${eventId}.${unixSeconds(now)}.`, 'utf8'),
    typeof body === 'string' ? Buffer.from(body, 'utf8') : body,
  ]);
}

export function standardHeaders(
  { eventId, now }: SignatureInput,
  signatures: readonly string[],
): Record<string, string> {
  return {
    'webhook-id': eventId,
    'webhook-timestamp': String(unixSeconds(now)),
    'webhook-signature': signatures.join(' '),
  };
}

function unixSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
