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
 * @throws Error for an invalid pattern
 */
export function compilePattern(pattern: string, options: string): RE2JS {
  const flags = options.split('').reduce((all, option) => all | FLAGS[option]!, 0);
  return RE2JS.compile(pattern, flags);
}

/** An escape, a bracketed class, `(?i)` or `(?i:` as a whole; every other character on its own. */
const TOKEN =
  /\\Q[^]*?(?:\\E|$)|\(\?[a-zA-Z-]*[:)]|\\[pP]\{[^}]*\}|\\[pP]?[^]|\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]|[^]/g;
/** A set of characters by its name: `\w`, `\p{Greek}`, `[:alpha:]`. */
const NAMED_SET = /\\[dDsSwWv]|\\[pP](?:\{[^}]*\}|[^])|\[:\^?\w+:\]/g;

/** Where case is ignored, any letter (of ASCII, as in RE2). */
const OF_ONE_CASE = /\[:(\^?)(?:upper|lower):\]/g;
/** What opens a group, or sets the options for the rest of it: `(`, `(?:`, `(?i-s:`, `(?i)`. */
const GROUP = /^\((?:\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)]))?$/;

/** Sets that differ in RE2: PCRE's `\s` includes U+000B, its `\v` all line breaks. For square brackets. */
const AS_IN_PCRE: Record<string, string> = {
  '\\s': '\\s\\x0b',
  '\\S': '\\x00-\\x08\\x0e-\\x1f!-\\x{10ffff}',
  '\\v': '\\n-\\r\\x{85}\\x{2028}\\x{2029}',
};

/**
 * A pattern as MongoDB understands it, whose engine is PCRE, run by RE2. docs/adr/0021 lists the remaining
 * differences.
 */
export class FilterPattern {
  private readonly compiled: RE2JS;
  private readonly hasDollar: boolean;

  /** @throws Error for an invalid pattern, or one that RE2 can't treat as MongoDB does */
  constructor(pattern: string, options: string) {
    const tokens: string[] = pattern.match(TOKEN) ?? [];
    this.hasDollar = tokens.includes('$');
    if (this.hasDollar && tokens.includes('\\z')) {
      throw new Error('it has both $ and \\z; only one of them is supported');
    }
    const isMultiline = options.includes('m') || /\(\?[a-zA-Z]*m/.test(pattern);
    if (!isMultiline && tokens.some((token, n) => token === '$' && !endsChoice(tokens, n + 1))) {
      throw new Error('text follows a $; the character itself is \\$');
    }
    const ignoresCase = whereCaseIsIgnored(tokens, options.includes('i'));
    const inRe2 = tokens.map((token, n) => translated(token, ignoresCase[n]!));
    this.compiled = compilePattern(inRe2.join(''), options);
  }

  /** What matching costs for each character of a text, in steps. */
  get size(): number {
    return this.compiled.programSize();
  }

  find(text: string): boolean {
    // Not `test()`: it builds an automaton first, which takes far longer for texts that are searched once.
    if (this.compiled.matcher(text).find()) return true;
    // In PCRE, `$` also matches before a line break at the end of the text.
    if (!this.hasDollar || !text.endsWith('\n')) return false;
    return this.compiled.matcher(text.slice(0, -1)).find();
  }
}

/** Whether nothing that could match follows in this alternative of `a|b`. */
function endsChoice(tokens: readonly string[], from: number): boolean {
  const next = tokens.slice(from).find((token) => !')*+?'.includes(token));
  return next === undefined || next === '|';
}

/** For each token; `(?i)` holds to the end of its group. */
function whereCaseIsIgnored(tokens: readonly string[], byOption: boolean): boolean[] {
  const groups = [byOption];
  const isIgnored = (): boolean => groups.at(-1) ?? byOption;
  return tokens.map((token) => {
    const group = GROUP.exec(token);
    if (group) {
      const [, on = '', off = '', end] = group;
      const inside = (on.includes('i') || isIgnored()) && !off.includes('i');
      if (end === ')') groups.pop();
      groups.push(inside);
    } else if (token === ')') {
      groups.pop();
    }
    return isIgnored();
  });
}

function translated(token: string, ignoresCase: boolean): string {
  const rest = token.replace(NAMED_SET, '');
  if (rest === token || token.startsWith('\\Q')) return token;
  const isClass = token.startsWith('[');
  const ofBothCases = ignoresCase ? token.replace(OF_ONE_CASE, '[:$1alpha:]') : token;
  const inClass = ofBothCases.replace(NAMED_SET, (name) => AS_IN_PCRE[name] ?? name);
  const text = isClass || inClass === token ? inClass : `[${inClass}]`;
  // Ignoring case, RE2 counts `ſ` as `\w`, and lower-case letters as `\p{Lu}`.
  return /\p{L}/u.test(rest) ? text : `(?-i:${text})`;
}

/** Classes of thousands of characters: `\pL`, `\P{Greek}`, `\W`. */
const LARGE_CLASS = /\\[pPDSW]/g;
const LARGE_CLASS_SIZE = 500;
/** The end of a range, where it is beyond ASCII: `[а-я]`, `[\x{100}-\x{17f}]`. */
const RANGE_END = /-(?:\\x\{([0-9a-f]+)\}|(\P{ASCII}))/giu;

/**
 * An upper estimate of the characters in a pattern's classes, which decides what compiling it costs: each is
 * checked for its other case.
 */
export function classSize(pattern: string): number {
  const large = [...pattern.matchAll(LARGE_CLASS)].length * LARGE_CLASS_SIZE;
  return [...pattern.matchAll(RANGE_END)].reduce(
    (sum, [, hex, character]) => sum + (hex ? parseInt(hex, 16) : character!.codePointAt(0)!),
    large,
  );
}
