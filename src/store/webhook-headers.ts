import type { Cipher, Sealed } from './cipher';
import type { WebhookRecord } from './webhook-record';

/* A webhook's own headers may be credentials of its receiver, so they are stored like secrets. */

/** Bound into the box; it differs from that of the webhook's secrets. */
export const headersOwner = (webhookId: string): string => `${webhookId}/headers`;

export function sealHeaders(
  cipher: Cipher,
  webhookId: string,
  headers: Record<string, string>,
): Sealed {
  return cipher.seal(JSON.stringify(headers), headersOwner(webhookId));
}

/** @throws SealedError if they can't be opened */
export function openHeaders(
  cipher: Cipher,
  { _id, headers }: Pick<WebhookRecord, '_id' | 'headers'>,
): Record<string, string> {
  if (headers === null) return {};
  return JSON.parse(cipher.open(headers, headersOwner(_id))) as Record<string, string>;
}
