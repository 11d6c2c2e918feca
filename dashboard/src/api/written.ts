const TOKEN = /"(?:data|schema|sample)":(?=\{)|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g;
/** Within what is asked for, `{"data":{`, and each item of a list, `{"data":{"…":[{`; a filter has any names. */
const DEPTHS: readonly number[] = [2, 4];

/**
 * An answer in which what callers wrote, `data`, `schema` and `sample`, is a string of its JSON: parsed, it would
 * lose digits of its numbers and the order of its keys.
 */
export function writtenAsStrings(answer: string): string {
  let depth = 0;
  let around = Number.NaN;
  let from = 0;
  let text = '';
  for (const { 0: token, index } of answer.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') {
      depth -= 1;
      if (depth !== around) continue;
      text += JSON.stringify(answer.slice(from, index + 1));
      from = index + 1;
      around = Number.NaN;
    } else if (token.endsWith(':') && Number.isNaN(around) && DEPTHS.includes(depth)) {
      text += answer.slice(from, index + token.length);
      from = index + token.length;
      around = depth;
    }
  }
  return text + answer.slice(from);
}
