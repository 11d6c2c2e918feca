import { createHmac } from 'node:crypto';
import type { Scheme } from './scheme';

/**
 * The `hex` scheme (docs/contract.md, 3.2): lower-case hex HMAC-SHA256 of the body. The key is the
 * secret's UTF-8 bytes in either secret format. A receiver of this scheme compares one value, so the
 * previous secret's signature has its own header.
 */
export const hex: Scheme = ({ secrets, body, eventType, deliveryId, now }) => {
  const [signature, previous] = secrets
    .slice(0, 2)
    .map((secret) => createHmac('sha256', secret).update(body).digest('hex'));
  return {
    'X-Webhook-Signature': signature!,
    ...(previous !== undefined && { 'X-Webhook-Signature-Previous': previous }),
    'X-Webhook-Event': eventType,
    'X-Webhook-Delivery-Id': deliveryId,
    'X-Webhook-Timestamp': String(now.getTime()),
  };
};
