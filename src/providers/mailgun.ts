import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { HOUR_MS } from '../domain/durations';
import { reportType, toAddress, toId, toInstant, toReportId } from './fields';
import type { Provider } from './provider';
import { isSame, staleness } from './signature';

/** https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads */
const body = z.looseObject({
  'event-data': z.looseObject({
    event: reportType,
    id: z.unknown().optional(),
    severity: z.unknown().optional(),
    recipient: z.unknown().optional(),
    timestamp: z.unknown().optional(),
    message: z
      .looseObject({ headers: z.looseObject({ 'message-id': z.unknown().optional() }) })
      .optional()
      .catch(undefined),
  }),
});

/** Mailgun retries for 8 hours and 5 minutes, always with the first signature. */
const OLDEST_SIGNATURE_MS = 9 * HOUR_MS;

const hexDigest = z.string().length(64);
const signatureBlock = z.looseObject({
  signature: z.looseObject({
    timestamp: z.union([z.string(), z.number()]).transform(String),
    token: z.string().min(1),
    signature: hexDigest,
    // Of the parent account, if a subaccount sent the e-mail.
    'parent-signature': hexDigest.optional().catch(undefined),
  }),
});

/** Most of Mailgun's terms are ours; `failed`, with another severity, also stands for what it will retry. */
function happened(event: string, severity: unknown): string {
  return event === 'failed' && severity === 'permanent' ? 'bounced' : event;
}

/**
 * Mailgun: one report per request, with its signature in the body. It covers a timestamp and a token,
 * not the report: it shows who sent a request, not that it is unchanged
 * (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks).
 */
export const mailgun: Provider = {
  name: 'mailgun',
  checkKey: (key) =>
    /^[\x21-\x7e]{1,256}$/.test(key) ? null : 'must be the HTTP webhook signing key',

  refusal: (_request, posted, key, now) => {
    const block = signatureBlock.safeParse(posted);
    if (!block.success) return 'the body must contain signature {timestamp, token, signature}';
    const { timestamp, token, signature, 'parent-signature': parent } = block.data.signature;
    const expected = createHmac('sha256', key).update(timestamp).update(token).digest('hex');
    const genuine = [signature, parent].some((hex) => hex !== undefined && isSame(hex, expected));
    return genuine ? staleness(timestamp, now, OLDEST_SIGNATURE_MS) : 'the signature is wrong';
  },

  read: (_request, posted) => {
    const parsed = body.safeParse(posted);
    if (!parsed.success) return { error: parsed.error };
    const data = parsed.data['event-data'];
    const token = signatureBlock.safeParse(posted).data?.signature.token;
    // Whoever reads reports must not be able to send one with another's signature.
    const { signature: _signature, ...payload } = posted as { signature?: unknown };
    return {
      reports: [
        {
          id: toReportId(data.id),
          ...(token !== undefined && { token }),
          type: data.event,
          happened: happened(data.event, data.severity),
          emailId: toId(data.message?.headers['message-id']),
          recipient: toAddress(data.recipient),
          timestamp: toInstant(data.timestamp),
          payload: JSON.stringify(payload),
        },
      ],
    };
  },
};
