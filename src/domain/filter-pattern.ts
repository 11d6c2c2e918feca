import { RE2JS } from 're2js';

const FLAGS: Record<string, number> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
};

/**
 * A regular expression by RE2, which matches in time linear in the text's length: JavaScript's own
 * backtracks, and some patterns then never end. It has neither look-around nor back references.
 * @param options of the letters i, m and s
 * @throws Error for a pattern that is none
 */
export function compilePattern(pattern: string, options: string): RE2JS {
  const flags = options.split('').reduce((all, option) => all | FLAGS[option]!, 0);
  return RE2JS.compile(pattern, flags);
}

/** An escape or a class in square brackets as a whole; every other character alone. */
const TOKEN =
  /\\Q[^]*?(?:\\E|$)|\\[pP]\{[^}]*\}|\\[pP]?[^]|\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]|[^]/g;
/** A set of characters by its name: `\w`, `\p{Greek}`, `[:alpha:]`. */
const NAMED_SET = /\\[dDsSwWv]|\\[pP](?:\{[^}]*\}|[^])|\[:\^?\w+:\]/g;

/** Sets that RE2 has otherwise: PCRE's `\s` has U+000B, its `\v` all line breaks. For square brackets. */
const AS_IN_PCRE: Record<string, string> = {
  '\\s': '\\s\\x0b',
  '\\S': '\\x00-\\x08\\x0e-\\x1f!-\\x{10ffff}',
  '\\v': '\\n-\\r\\x{85}\\x{2028}\\x{2029}',
};

/**
 * A pattern as MongoDB means it, whose engine is PCRE, run by RE2. What is left of the two's differences
 * is in docs/adr/0021.
 */
export class FilterPattern {
  private readonly compiled: RE2JS;
  private readonly hasDollar: boolean;

  /** @throws Error for a pattern that is none, or can't mean here what it means to MongoDB */
  constructor(pattern: string, options: string) {
    const tokens: string[] = pattern.match(TOKEN) ?? [];
    this.hasDollar = tokens.includes('$');
    if (this.hasDollar && tokens.includes('\\z')) {
      throw new Error('it has both $ and \\z, of which one can be judged');
    }
    const isMultiline = options.includes('m') || /\(\?[a-zA-Z]*m/.test(pattern);
    if (!isMultiline && tokens.some((token, n) => token === '$' && !endsChoice(tokens, n + 1))) {
      throw new Error('text follows a $; the character itself is \\$');
    }
    this.compiled = compilePattern(tokens.map(translated).join(''), options);
  }

  /** What finding costs for each character of a text, in steps. */
  get size(): number {
    return this.compiled.programSize();
  }

  find(text: string): boolean {
    // Not `test()`: it first builds an automaton, which takes far longer on texts looked at once.
    if (this.compiled.matcher(text).find()) return true;
    // To PCRE, `$` is also before a line break that ends the text.
    if (!this.hasDollar || !text.endsWith('\n')) return false;
    return this.compiled.matcher(text.slice(0, -1)).find();
  }
}

/** Whether nothing follows, in this choice of `a|b`, that could match. */
function endsChoice(tokens: readonly string[], from: number): boolean {
  const next = tokens.slice(from).find((token) => !')*+?'.includes(token));
  return next === undefined || next === '|';
}

function translated(token: string): string {
  const rest = token.replace(NAMED_SET, '');
  if (rest === token) return token;
  const isClass = token.startsWith('[');
  const inClass = token.replace(NAMED_SET, (name) => AS_IN_PCRE[name] ?? name);
  const text = isClass || inClass === token ? inClass : `[${inClass}]`;
  // Without regard to case, RE2 takes `ſ` for a letter of `\w`, and small letters for `\p{Lu}`.
  return /\p{L}/u.test(rest) ? text : `(?-i:${text})`;
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
