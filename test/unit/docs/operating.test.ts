import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

it('docs/operating.md names every metric, and no other', () => {
  const names = (text: string, pattern: RegExp): string[] =>
    [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))].toSorted();
  expect(names(read('docs/operating.md'), /^\| `(posthorn_\w+)`/gm)).toEqual(
    names(read('src/metrics.ts'), /name: '(posthorn_\w+)'/g),
  );
});

it('the README stays below 150 lines', () => {
  expect(read('README.md').split('\n').length).toBeLessThan(150);
});
