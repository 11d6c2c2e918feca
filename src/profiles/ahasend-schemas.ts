import { z } from 'zod';
import { emailAddress, id, instant, sender, subject, text, url } from './fields';

/*
 * The `data` of the 10 ahasend event types (docs/contract.md, 2.5). Which fields are optional follows
 * AhaSend's own specification (github.com/AhaSend/docs, webhooks.yaml).
 */

/** The fields of `data` that every event about a message has; `event` names the trigger. */
const messageOf = <E extends string>(...triggers: [E, ...E[]]) => ({
  account_id: id,
  event: z.enum(triggers),
  from: sender,
  recipient: emailAddress,
  subject,
  /** May be empty: an e-mail may have no Message-ID. */
  message_id_header: text,
  id,
});

/** What an open or a click reveals about the recipient's program. */
const client = {
  user_agent: text.optional(),
  ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  /** Whether it was a scanner or another program rather than a person. */
  is_bot: z.boolean().optional(),
};

/** The SMTP exchange behind an event; null and missing both mean that there was none. */
const attempt = {
  delivery_attempt: z
    .strictObject({
      /** 0: there was a response without a code. */
      smtp_code: z.int().min(0).max(999),
      enhanced_status_code: text.optional(),
      response: text.optional(),
      description: text.optional(),
      /** An open set: `InvalidRecipient`, `QuotaIssues`, …. */
      classification: text.optional(),
      command: text.optional(),
    })
    .nullable()
    .optional(),
};

export const receptionData = z.strictObject(messageOf('on_reception'));

export const deliveredData = z.strictObject({ ...messageOf('on_delivered'), ...attempt });

/** AhaSend's own name for a deferral is `on_transient_error`. */
export const deferredData = z.strictObject({
  ...messageOf('on_deferred', 'on_transient_error'),
  ...attempt,
});

export const failedData = z.strictObject(messageOf('on_failed'));

export const bouncedData = z.strictObject({ ...messageOf('on_bounced'), ...attempt });

export const suppressedData = z.strictObject(messageOf('on_suppressed'));

export const openedData = z.strictObject({ ...messageOf('on_opened'), ...client });

export const clickedData = z.strictObject({
  ...messageOf('on_clicked'),
  url: url.optional(),
  ...client,
});

export const suppressionCreatedData = z.strictObject({
  account_id: id,
  recipient: emailAddress,
  created_at: instant,
  /** Usually 30 days after `created_at`. */
  expires_at: instant,
  reason: text,
  sending_domain: z.string().min(1),
});

export const dnsErrorData = z.strictObject({
  account_id: id,
  domain: z.string().min(1),
  spf_valid: z.boolean(),
  dkim_valid: z.boolean(),
  dmarc_valid: z.boolean(),
  dns_last_checked_at: instant,
});
