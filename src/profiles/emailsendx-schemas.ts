import { z } from 'zod';
import { emailAddress, id, instant, listOf, name, text, url } from './fields';

/*
 * The `data` of the 9 emailsendx event types (docs/contract.md, 2.4; emailsendx.com/docs/webhooks/events). An
 * e-mail's events follow email.delivered, each with its own time; only that one must have the campaign's name
 * and the time of sending: the public reference omits them elsewhere.
 */

const message = { emailId: id, campaignId: id };
const contact = { contactId: id, contactEmail: emailAddress };
const email = {
  ...message,
  campaignName: name.optional(),
  ...contact,
  sentAt: instant.optional(),
};

/** What an open or a click reveals about the recipient's program. */
const client = { userAgent: text.optional(), ipAddress: z.union([z.ipv4(), z.ipv6()]).optional() };

export const deliveredData = z.strictObject({
  ...message,
  campaignName: name,
  ...contact,
  sentAt: instant,
  deliveredAt: instant,
});

export const openedData = z.strictObject({ ...email, openedAt: instant, ...client });

export const clickedData = z.strictObject({ ...email, url, clickedAt: instant, ...client });

export const bouncedData = z.strictObject({
  ...email,
  bouncedAt: instant,
  /** `hard`, `soft`, or another word of the sending service. */
  bounceType: text.optional(),
  reason: text.optional(),
});

export const complainedData = z.strictObject({ ...email, complainedAt: instant });

export const unsubscribedData = z.strictObject({
  ...email,
  unsubscribedAt: instant,
  reason: text.optional(),
});

const person = {
  ...contact,
  firstName: name.optional(),
  lastName: name.optional(),
  /** The workspace's custom fields. */
  metadata: z.record(z.string(), z.unknown()).optional(),
};

export const contactCreatedData = z.strictObject({ ...person, createdAt: instant });

export const contactUpdatedData = z.strictObject({
  ...person,
  /** Names of the fields whose values are new. */
  changedFields: listOf(z.string().min(1)).optional(),
  updatedAt: instant,
});

/** The ping's: marked as a test, and without anything that could be taken for personal data. */
export const pingData = z.strictObject({ test: z.literal(true), message: text });

export const campaignSentData = z.strictObject({
  campaignId: id,
  campaignName: name,
  sentAt: instant,
  recipientCount: z.int().min(0),
});
