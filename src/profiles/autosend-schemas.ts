import { z } from 'zod';

/*
 * The `data` of the 13 autosend event types (contract, section 2). Every list but the contacts' is
 * closed, and that is the privacy rule too: an IP address, a user agent, a device or a location has
 * no field to go in, nor has a sender or a recipient in the subscription events.
 *
 * Values are bounded by what e-mail allows, not judged: an address that a mail server took must not
 * cost a customer the event about it.
 */

/** An object id of the sender's system: opaque to us. */
const id = z.string().min(1).max(128);

/** One `local@domain`, internationalised ones included; at most 320 characters (RFC 3696). */
const emailAddress = z.email({ pattern: z.regexes.unicodeEmail }).max(320);

/** Free text from a mail server or a person. */
const text = z.string().max(2_000);

const to = z.strictObject({ email: emailAddress, name: z.string().max(998).optional() });

/** Where an e-mail came from; a transactional one has none of these. */
const origin = {
  campaignId: id.optional(),
  templateId: id.optional(),
  workflowAutomationId: id.optional(),
  batchId: id.optional(),
};

/** Lifecycle and engagement events: about one e-mail to one recipient. */
const message = {
  emailId: id,
  /** `a@b` or `Name <a@b>`; at most one header line (RFC 5322). */
  from: z.string().min(1).max(998),
  to,
  /** May be empty: an e-mail may have no subject. */
  subject: z.string().max(998),
  /** Whether the e-mail was a test. */
  test: z.boolean(),
  ...origin,
};

export const messageData = z.strictObject(message);

export const deferredData = z.strictObject({
  ...message,
  delayType: text.optional(),
  delayReason: text.optional(),
  /** When the sender gives up: ISO 8601 with a zone. */
  expirationTime: z.iso.datetime({ offset: true }).optional(),
});

export const bouncedData = z.strictObject({
  ...message,
  bounceType: z.enum(['Permanent', 'Transient']).optional(),
  bounceSubType: text.optional(),
  reason: text.optional(),
});

export const clickedData = z.strictObject({
  ...message,
  clickedUrl: z.url().max(8_192).optional(),
});

export const spamReportedData = z.strictObject({
  ...message,
  complaintType: z.enum(['abuse', 'fraud', 'virus', 'other']).optional(),
});

/** Never who sent it, who received it, or what it was about. */
const unsubscribed = { test: z.boolean(), emailId: id.optional(), ...origin };

export const unsubscribedData = z.strictObject(unsubscribed);

export const groupUnsubscribedData = z.strictObject({
  ...unsubscribed,
  unsubscribeGroupId: id.optional(),
});

export const groupResubscribedData = z.strictObject({
  test: z.boolean(),
  emailId: id.optional(),
  unsubscribeGroupId: id.optional(),
  campaignId: id.optional(),
});

/** Contacts are open: whatever custom fields the project keeps go along, of any JSON type. */
const contact = { contactId: id.optional(), email: emailAddress.optional() };
const name = z.string().max(998).optional();

export const contactCreatedData = z.looseObject({ ...contact, name });

export const contactUpdatedData = z.looseObject({
  ...contact,
  name,
  /** Names of the fields whose values are new. */
  changedFields: z.array(z.string().min(1)).optional(),
});

export const contactDeletedData = z.looseObject(contact);
