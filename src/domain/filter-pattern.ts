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
