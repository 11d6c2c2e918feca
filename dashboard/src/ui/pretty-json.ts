const INDENT = '  ';
/** Of lists within lists, 16 KiB would become more than 100 MB of indentation. */
const MAX_DEPTH = 100;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Indented, each number and string exactly as it came; null: it is not JSON, or nested too deep to be read. */
export function prettyJson(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  const line = (): string => `\n${INDENT.repeat(depth)}`;
  let shown = '';
  for (const [index, token] of tokens.entries()) {
    const isEmpty = /^[{[]$/.test(tokens[index - 1] ?? '') && /^[}\]]$/.test(token);
    if (token === '{' || token === '[') {
      depth += 1;
      if (depth > MAX_DEPTH) return null;
      const closes = tokens[index + 1] === (token === '{' ? '}' : ']');
      shown += token + (closes ? '' : line());
    } else if (token === '}' || token === ']') {
      depth -= 1;
      shown += (isEmpty ? '' : line()) + token;
    } else if (token === ',') shown += token + line();
    else if (token === ':') shown += `${token} `;
    else shown += token;
  }
  return shown;
}
