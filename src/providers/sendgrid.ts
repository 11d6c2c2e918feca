import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { reportType, toAddress, toId, toInstant, toReportId } from './fields';
import type { Provider, ProviderReport, UnreadableReport } from './provider';
import { staleness } from './signature';

const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';

/** Far more than SendGrid sends at once; limits the work of one request. */
const MAX_REPORTS = 5_000;

/** https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event */
const HAPPENED = new Map([
  ['open', 'opened'],
  ['click', 'clicked'],
  ['bounce', 'bounced'],
  ['unsubscribe', 'unsubscribed'],
  ['group_unsubscribe', 'unsubscribed'],
  ['spamreport', 'complained'],
]);

/** What SendGrid adds to the `X-Message-Id` with which it answered the sender; ids may contain dots. */
const ADDED_TO_ID = /(?<=.)\.(?:filter|recvd-).*$/s;

/** Customers' own arguments are beside SendGrid's fields, so any other field is allowed. */
const report = z.looseObject({
  event: reportType,
  sg_event_id: z.unknown().optional(),
  sg_message_id: z.unknown().optional(),
  'smtp-id': z.unknown().optional(),
  email: z.unknown().optional(),
  timestamp: z.unknown().optional(),
});
const body = z.array(z.unknown()).min(1).max(MAX_REPORTS);

function publicKey(base64: string): KeyObject | null {
  try {
    const key = createPublicKey({
      key: Buffer.from(base64, 'base64'),
      format: 'der',
      type: 'spki',
    });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null;
  } catch {
    return null;
  }
}

/** Text that decodes to a signature and is its only encoding. */
function decode(base64: string): Buffer | null {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : null;
}

function toReport(one: unknown): ProviderReport | UnreadableReport {
  const payload = JSON.stringify(one);
  const parsed = report.safeParse(one);
  if (!parsed.success) return { unreadable: parsed.error, payload };
  const posted = parsed.data;
  return {
    id: toReportId(posted.sg_event_id),
    type: posted.event,
    happened: HAPPENED.get(posted.event) ?? posted.event,
    // A delayed bounce has no sg_message_id.
    emailId: toId(posted.sg_message_id)?.replace(ADDED_TO_ID, '') ?? toId(posted['smtp-id']),
    recipient: toAddress(posted.email),
    timestamp: toInstant(posted.timestamp),
    payload,
  };
}

/**
 * SendGrid: reports in batches, signed as a whole by ECDSA over P-256
 * (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features).
 */
export const sendgrid: Provider = {
  name: 'sendgrid',
  checkKey: (key) =>
    publicKey(key) === null
      ? 'must be the verification key, a P-256 public key in base64 DER'
      : null,

  refusal: ({ rawBody, header }, _body, key, now) => {
    const base64 = header(SIGNATURE);
    const timestamp = header(TIMESTAMP);
    if (base64 === undefined || timestamp === undefined) {
      return `the headers ${SIGNATURE} and ${TIMESTAMP} are required`;
    }
    const signed = Buffer.concat([Buffer.from(timestamp), rawBody]);
    const signature = decode(base64);
    const genuine = signature !== null && verify('sha256', signed, publicKey(key)!, signature);
    return genuine ? staleness(timestamp, now) : 'the signature is wrong';
  },

  read: (_request, posted) => {
    const batch = body.safeParse(posted);
    if (!batch.success) return { error: batch.error };
    const reports = batch.data.map(toReport);
    // None is readable: this is not a batch of SendGrid's.
    const { error } = z.array(report).safeParse(posted);
    return error && reports.every((one) => 'unreadable' in one) ? { error } : { reports };
  },
};
