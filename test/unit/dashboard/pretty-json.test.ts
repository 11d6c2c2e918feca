import { prettyJson } from '../../../dashboard/src/ui/pretty-json';

it('indents JSON, with each number and string as it came', () => {
  const text =
    '{"n":12345678901234567890.10,"s":"a\\u202eb, {c}","e":[],"o":{},"l":[1,{"x":null}]}';
  expect(prettyJson(text)).toBe(`{
  "n": 12345678901234567890.10,
  "s": "a\\u202eb, {c}",
  "e": [],
  "o": {},
  "l": [
    1,
    {
      "x": null
    }
  ]
}`);
});

it('leaves what is no JSON as it is', () => {
  for (const text of ['', 'OK', '<html>', '{"a":', '[1,]']) expect(prettyJson(text)).toBeNull();
});

it('does not blow up an answer of lists within lists', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  expect(prettyJson(nested(100))!.length).toBeLessThan(25_000);
  expect(prettyJson(nested(8 * 1024))).toBeNull();
});
