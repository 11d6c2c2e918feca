const INDENT = '  ';
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Indented, each number and string exactly as it came; null: it is not JSON. */
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
  tokens.forEach((token, index) => {
    const isEmpty = /^[{[]$/.test(tokens[index - 1] ?? '') && /^[}\]]$/.test(token);
    if (token === '{' || token === '[') {
      depth += 1;
      const closes = tokens[index + 1] === (token === '{' ? '}' : ']');
      shown += token + (closes ? '' : line());
    } else if (token === '}' || token === ']') {
      depth -= 1;
      shown += (isEmpty ? '' : line()) + token;
    } else if (token === ',') shown += token + line();
    else if (token === ':') shown += `${token} `;
    else shown += token;
  });
  return shown;
}
