/*
 * E-mail addresses as mail servers take them: RFC 5321's atoms, laxly, and its quoted strings, with
 * letters of any script (RFC 6531); then a domain, or an address in brackets. Of any length: addresses
 * rewritten by SRS or VERP are longer than the 64 characters that the RFC has for the local part. No two
 * parts of a pattern can take the same character, so matching takes no longer than the text.
 */

const CONTROLS = String.raw`\x00-\x1f\x7f`;
const QUOTED = String.raw`"(?:[^"\\${CONTROLS}]|\\[^${CONTROLS}])*"`;
const ADDRESS = String.raw`(?:[^\s${CONTROLS}@"<>]|${QUOTED})+@(?:[^\s${CONTROLS}@"<>\[\]]+|\[[^\s${CONTROLS}@"<>\[\]]+\])`;
const DISPLAY_NAME = String.raw`(?:[^${CONTROLS}"<]|${QUOTED})*`;

/** `local@domain`. */
export const ADDRESS_ALONE = new RegExp(`^${ADDRESS}$`, 'u');

/** `local@domain`, or `Name <local@domain>`. */
export const MAILBOX = new RegExp(`^(?:(${ADDRESS})|${DISPLAY_NAME}<(${ADDRESS})>)$`, 'u');

/** The address of a mailbox, without its display name; null for what is none. */
export function addressOf(mailbox: string): string | null {
  const [, alone, bracketed] = MAILBOX.exec(mailbox.trim()) ?? [];
  return alone ?? bracketed ?? null;
}
