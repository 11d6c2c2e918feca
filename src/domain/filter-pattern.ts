import { RE2JS } from 're2js';

const FLAGS: Record<string, number> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
};

/**
 * A regular expression by RE2, which matches in time linear in the text's length: JavaScript's own
 * backtracks, and some patterns then never end. It has neither look-around nor back references.
 * @param options of the letters i, m and s, as MongoDB means them
 * @throws Error for a pattern that is none
 */
export function compilePattern(pattern: string, options: string): RE2JS {
  const flags = options.split('').reduce((all, option) => all | FLAGS[option]!, 0);
  return RE2JS.compile(pattern, flags);
}

/** Classes that stand for thousands of characters: `\pL`, `\P{Greek}`, `\W`. */
const LARGE_CLASS = /\\[pPDSW]/g;
const LARGE_CLASS_SIZE = 500;
/** The end of a range, where it is beyond ASCII: `[а-я]`, `[\x{100}-\x{17f}]`. */
const RANGE_END = /-(?:\\x\{([0-9a-f]+)\}|(\P{ASCII}))/giu;

/**
 * The characters that a pattern's classes stand for, roughly, and rather too many: what compiling it may
 * cost, since each of them is looked at for its other case.
 */
export function classSize(pattern: string): number {
  const large = [...pattern.matchAll(LARGE_CLASS)].length * LARGE_CLASS_SIZE;
  return [...pattern.matchAll(RANGE_END)].reduce(
    (sum, [, hex, character]) => sum + (hex ? parseInt(hex, 16) : character!.codePointAt(0)!),
    large,
  );
}
