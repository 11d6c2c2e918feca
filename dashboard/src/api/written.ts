const TOKEN = /"(?:data|schema|sample)":(?=\{)|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g;
/** Within what is asked for, `{"data":{`, and each item of a list, `{"data":{"…":[{`; a filter has any names. */
const PLACES: readonly string[] = ['{{', '{{[{'];

/**
 * An answer in which what callers wrote, `data`, `schema` and `sample`, is a string of its JSON: parsed, it would
 * lose digits of its numbers and the order of its keys.
 */
export function writtenAsStrings(answer: string): string {
  let open = '';
  let around: string | null = null;
  let from = 0;
  let text = '';
  for (const { 0: token, index } of answer.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open += token;
    else if (token === '}' || token === ']') {
      open = open.slice(0, -1);
      if (open !== around) continue;
      text += JSON.stringify(answer.slice(from, index + 1));
      from = index + 1;
      around = null;
    } else if (token.endsWith(':') && around === null && PLACES.includes(open)) {
      text += answer.slice(from, index + token.length);
      from = index + token.length;
      around = open;
    }
  }
  return text + answer.slice(from);
}
