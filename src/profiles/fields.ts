import { z } from 'zod';

/*
 * Kinds of fields that the catalogues share. Values are bounded by what e-mail allows, not judged:
 * an address that a mail server took must not cost a customer the event about it.
 */

/** An object id of the sender's system: opaque to us. */
export const id = z.string().min(1).max(128);

/** One `local@domain`, internationalised ones included; at most 320 characters (RFC 3696). */
export const emailAddress = z.email({ pattern: z.regexes.unicodeEmail }).max(320);

/** A sender, `a@b` or `Name <a@b>`; at most one header line (RFC 5322). */
export const sender = z.string().min(1).max(998);

/** May be empty: an e-mail may have no subject. */
export const subject = z.string().max(998);

/** The name of a person, a campaign, …. */
export const name = z.string().max(998);

/** Free text from a mail server or a person. */
export const text = z.string().max(2_000);

/** ISO 8601 with a zone, to any fraction of a second. */
export const instant = z.iso.datetime({ offset: true });

/** Any absolute URL: links in e-mails may be `mailto:` too. */
export const url = z.url().max(8_192);
