const SPACE = /[ \t\n\r]*/y;
// oxlint-disable-next-line no-control-regex -- JSON forbids them inside a string
const TEXT = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** What may come next: a value, a member's name, a colon, or what follows a value. */
type Expected = 'value' | 'name' | 'colon' | 'end';

/**
 * Where a text stops being JSON, for people: ` at line 2, column 5`, or that it ends too early. V8
 * reports that for some texts only.
 */
export function placeOfJsonError(text: string): string {
  const at = endOfJson(text);
  if (/^[ \t\n\r]*$/.test(text.slice(at))) return ': it ends too early';
  const lines = text.slice(0, at).split('\n');
  return ` at line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}

/** How many characters of a text that isn't JSON could be the beginning of one that is. */
function endOfJson(text: string): number {
  /** Open brackets. */
  const open: string[] = [];
  let at = 0;
  let expected: Expected = 'value';
  let mayClose = false;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text) && pattern.lastIndex > at;
    if (found) at = pattern.lastIndex;
    return found;
  };
  const takeText = (): boolean => {
    if (!take(TEXT) || text[at] !== '"') return false;
    at += 1;
    return true;
  };
  for (;;) {
    take(SPACE);
    const next = text[at];
    const closes = next !== undefined && next === open.at(-1);
    if (closes && (mayClose || expected === 'end')) {
      open.pop();
      at += 1;
      expected = 'end';
      mayClose = false;
      continue;
    }
    mayClose = false;
    switch (expected) {
      case 'name':
        if (!takeText()) return at;
        expected = 'colon';
        break;
      case 'colon':
        if (next !== ':') return at;
        at += 1;
        expected = 'value';
        break;
      case 'end':
        if (next !== ',' || open.length === 0) return at;
        at += 1;
        expected = open.at(-1) === '}' ? 'name' : 'value';
        break;
      case 'value':
        if (next === '{' || next === '[') {
          open.push(next === '{' ? '}' : ']');
          at += 1;
          expected = next === '{' ? 'name' : 'value';
          mayClose = true;
        } else {
          if (!(next === '"' ? takeText() : take(SCALAR))) return at;
          expected = 'end';
        }
        break;
    }
  }
}
