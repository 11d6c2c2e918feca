/** Marks that turn or isolate what follows them: in a name they only mislead. */
const MARKS = /[\u202a-\u202e\u2066-\u2069]/g;
/** Letters of scripts that are written from right to left. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * A name that somebody chose, within a sentence, which it can't turn. In a catalogue of a language that is written
 * from right to left, any name is isolated.
 */
export function isolated(name: string): string {
  const plain = name.replaceAll(MARKS, '');
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}
