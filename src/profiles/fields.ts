import { z } from 'zod';
import { MAILBOX } from '../domain/mailbox';

/*
 * Kinds of fields that the catalogues share. Their shape is checked; their length is not: what a mail
 * server took must not cost a customer the event about it. The event as a whole is bounded
 * (src/api/intake.ts).
 */

/** An object id of the sender's system: opaque to us. */
export const id = z.string().min(1);

/** One `local@domain`, or `Name <local@domain>`. */
export const emailAddress = z
  .string()
  .regex(MAILBOX, 'must be an e-mail address, "local@domain" or "Name <local@domain>"');

/** A sender, `a@b` or `Name <a@b>`, in whatever spelling the mail server took. */
export const sender = z.string().min(1);

/** May be empty: an e-mail may have no subject. */
export const subject = z.string();

/** The name of a person, a campaign, …. */
export const name = z.string();

/** Free text from a mail server or a person. */
export const text = z.string();

/** ISO 8601 with a zone, to any fraction of a second. */
export const instant = z.iso.datetime({ offset: true });

/** Where a link goes, as it stands in the e-mail: with a scheme, without one, or empty. */
export const url = z.string();
