import { z } from 'zod';
import { emailAddress, id, instant, listOf, name, sender, subject, text, url } from './fields';

/*
 * The `data` of the 13 autosend event types (docs/contract.md, 2.2). All schemas but the contacts' are
 * closed, which is also the privacy rule: there is no field for an IP address, a user agent, a device or a
 * location, nor for a sender or recipient in the subscription events.
 */

const to = z.strictObject({ email: emailAddress, name: name.optional() });

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
  from: sender,
  to,
  subject,
  /** Whether the e-mail was a test. */
  test: z.boolean(),
  ...origin,
};

export const messageData = z.strictObject(message);

export const deferredData = z.strictObject({
  ...message,
  delayType: text.optional(),
  delayReason: text.optional(),
  /** When the sender gives up. */
  expirationTime: instant.optional(),
});

export const bouncedData = z.strictObject({
  ...message,
  bounceType: z.enum(['Permanent', 'Transient']).optional(),
  bounceSubType: text.optional(),
  reason: text.optional(),
});

export const clickedData = z.strictObject({
  ...message,
  clickedUrl: url.optional(),
});

export const spamReportedData = z.strictObject({
  ...message,
  complaintType: z.enum(['abuse', 'fraud', 'virus', 'other']).optional(),
});

/** Never the sender, the recipient, or the subject. */
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

/** Contacts are open: they include the project's custom fields, of any JSON type. */
const contact = { contactId: id.optional(), email: emailAddress.optional() };

export const contactCreatedData = z.looseObject({ ...contact, name: name.optional() });

export const contactUpdatedData = z.looseObject({
  ...contact,
  name: name.optional(),
  /** Names of the fields whose values are new. */
  changedFields: listOf(z.string().min(1)).optional(),
});

export const contactDeletedData = z.looseObject(contact);
