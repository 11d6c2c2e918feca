/*
 * E-mail addresses as mail servers accept them: RFC 5321's atoms, leniently, and its quoted strings, with
 * letters of any script (RFC 6531); then a domain, or an address in brackets. Of any length: addresses
 * rewritten by SRS or VERP exceed the RFC's 64 characters for the local part. No two parts of a pattern can
 * match the same character, so matching takes linear time.
 */

const CONTROLS = String.raw`\x00-\x1f\x7f`;
const QUOTED = String.raw`"(?:[^"\\${CONTROLS}]|\\[^${CONTROLS}])*"`;
const DOMAIN = String.raw`(?:[^\s${CONTROLS}@"<>\[\]]+|\[[^\s${CONTROLS}@"<>\[\]]+\])`;
const ADDRESS = String.raw`(?:[^\s${CONTROLS}@"<>]|${QUOTED})+@${DOMAIN}`;
const DISPLAY_NAME = String.raw`(?:[^${CONTROLS}"<]|${QUOTED})*`;

/** `local@domain`. */
export const ADDRESS_ALONE = new RegExp(`^${ADDRESS}$`, 'u');

/**
 * Of these, those that nodemailer writes to: in others it replaces `<` and `>`, and quotes anew what is quoted in part,
 * which makes another address of it.
 */
export const WRITABLE_ADDRESS = new RegExp(
  String.raw`^(?:[^\s${CONTROLS}@"<>]+|"(?:[^"\\<>${CONTROLS}]|\\[^<>${CONTROLS}])*")@${DOMAIN}$`,
  'u',
);

/** `local@domain`, or `Name <local@domain>`. */
export const MAILBOX = new RegExp(`^(?:(${ADDRESS})|${DISPLAY_NAME}<(${ADDRESS})>)$`, 'u');

/** The address of a mailbox, without its display name; null if it isn't one. */
export function addressOf(mailbox: string): string | null {
  const [, alone, bracketed] = MAILBOX.exec(mailbox.trim()) ?? [];
  return alone ?? bracketed ?? null;
}
