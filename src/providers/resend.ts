import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { reportType, toAddress, toId, toInstant } from './fields';
import type { Provider } from './provider';
import { isSame, staleness } from './signature';

const PREFIX = 'whsec_';
/** Svix's ids are short; one that is longer could not be stored as a key. */
const SVIX_ID = /^[\x21-\x7e]{1,255}$/;

/** https://resend.com/docs/webhooks/event-types */
const HAPPENED = new Map([
  ['email.opened', 'opened'],
  ['email.clicked', 'clicked'],
  ['email.bounced', 'bounced'],
  ['email.unsubscribed', 'unsubscribed'],
  ['email.complained', 'complained'],
]);

/** Fields come and go there, so unknown ones are accepted. */
const body = z.looseObject({
  type: reportType,
  created_at: z.unknown().optional(),
  data: z.looseObject({
    email_id: z.unknown().optional(),
    to: z.unknown().optional(),
    click: z.looseObject({ timestamp: z.unknown().optional() }).optional().catch(undefined),
  }),
});

function keyBytes(secret: string): Buffer | null {
  const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length).replace(/=+$/, '') : '';
  const bytes = Buffer.from(base64, 'base64');
  // Buffer skips what isn't base64, so only a round trip shows that all of it was read.
  return bytes.length > 0 && bytes.toString('base64').replace(/=+$/, '') === base64 ? bytes : null;
}

/**
 * Resend: one report per request, signed by Svix
 * (https://docs.svix.com/receiving/verifying-payloads/how-manual).
 */
export const resend: Provider = {
  name: 'resend',
  checkKey: (key) =>
    keyBytes(key) === null ? `must be the signing secret, "${PREFIX}" and base64` : null,

  refusal: ({ rawBody, header }, _body, key, now) => {
    const id = header('svix-id');
    const timestamp = header('svix-timestamp');
    const signatures = header('svix-signature');
    if (id === undefined || timestamp === undefined || signatures === undefined) {
      return 'the headers svix-id, svix-timestamp and svix-signature are required';
    }
    const expected = createHmac('sha256', keyBytes(key)!)
      .update(`${id}.${timestamp}.`)
      .update(rawBody)
      .digest('base64');
    // More than one while Svix rotates the secret.
    const genuine = signatures.split(' ').some((signature) => {
      const [version, base64 = ''] = signature.split(',');
      return version === 'v1' && isSame(base64, expected);
    });
    return genuine ? staleness(timestamp, now) : 'the signature is wrong';
  },

  read: ({ rawBody, header }, posted) => {
    const parsed = body.safeParse(posted);
    if (!parsed.success) return { error: parsed.error };
    const { type, created_at, data } = parsed.data;
    const id = header('svix-id');
    const to: unknown[] = Array.isArray(data.to) ? data.to : [data.to];
    return {
      reports: [
        {
          id: id !== undefined && SVIX_ID.test(id) ? id : null,
          type,
          happened: HAPPENED.get(type) ?? type,
          emailId: toId(data.email_id),
          // Of an e-mail to several it doesn't say who it was.
          recipient: to.length === 1 ? toAddress(to[0]) : null,
          // `created_at` is when Resend created the report; a click has its own time.
          timestamp: toInstant(data.click?.timestamp) ?? toInstant(created_at),
          payload: rawBody.toString('utf8'),
        },
      ],
    };
  },
};
