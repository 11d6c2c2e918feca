import { z } from 'zod';
import { INSTANT } from '../domain/instant';
import { MAILBOX } from '../domain/mailbox';

/*
 * Field types that the catalogues share. Their format is checked, their length is not: a value that a mail
 * server accepted must not cost a customer the event about it. The size of the whole event is limited
 * (src/api/events/intake.ts).
 */

/** An object id of the sender's system: opaque to us. */
export const id = z.string().min(1);

/** One `local@domain`, or `Name <local@domain>`. */
export const emailAddress = z
  .string()
  .regex(MAILBOX, 'must be an e-mail address, "local@domain" or "Name <local@domain>"');

/** A sender, `a@b` or `Name <a@b>`, in any spelling that mail servers accept. */
export const sender = z.string().min(1);

/** May be empty: an e-mail may have no subject. */
export const subject = z.string();

/** The name of a person, a campaign, …. */
export const name = z.string();

/** Free text from a mail server or a person. */
export const text = z.string();

/** ISO 8601 with an offset, to the minute or any fraction of a second. */
export const instant = z.string().regex(INSTANT, {
  error: 'must be a time in ISO 8601 with an offset, such as 2026-10-01T09:30:00Z',
  abort: true,
});

/** A link's target, as written in the e-mail: with or without a scheme, or empty. */
export const url = z.string();

/** Only the first wrong items of a list are reported: there may be millions. */
const MAX_WRONG_ITEMS = 100;

/** A list of such items. */
export function listOf<T>(item: z.ZodType<T>): z.ZodType<T[]> {
  const list = z.array(z.unknown()).check((ctx) => {
    for (const [index, value] of ctx.value.entries()) {
      const parsed = item.safeParse(value);
      for (const { message, path } of parsed.error?.issues ?? []) {
        ctx.issues.push({ code: 'custom', message, path: [index, ...path], input: value });
      }
      if (ctx.issues.length >= MAX_WRONG_ITEMS) return;
    }
  });
  const { $schema: _dialect, ...items } = z.toJSONSchema(item, { io: 'input' });
  return list.meta({ items }) as unknown as z.ZodType<T[]>;
}
