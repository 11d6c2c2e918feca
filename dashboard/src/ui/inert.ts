/*
 * Texts of others may hold characters that hide, reorder or control what is around them. They are shown as visible
 * names instead.
 */

/** C0 and C1 without tab and line feed; bidirectional controls; what has no width; line separators; the tags. */
const HIDDEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- exactly these are looked for
  /[\0-\x08\x0B-\x1F\x7F-\x9F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\u{1D173}-\u{1D17A}\u{E0000}-\u{E0FFF}]/gu;

const PICTURES = 0x2400;
const DELETE_PICTURE = '\u2421';

function named(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(PICTURES + code);
  if (code === 0x7f) return DELETE_PICTURE;
  return `\u27E8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27E9`;
}

/** What others sent, with nothing in it that is not seen. A line's end of CR LF is one of LF. */
export const inert = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll(HIDDEN, named);
