import { readFileSync } from 'node:fs';
import path from 'node:path';
import { metrics } from '../../src/metrics';

const OPERATING = path.resolve(__dirname, '../../docs/operating.md');

/** The values of a counter's label that docs/operating.md lists, with the counter and the label. */
const documented = [
  ...readFileSync(OPERATING, 'utf8').matchAll(
    /^\| `(posthorn_\w+_total)` `(\w+)` +\| \S+ +\| (.+?) +\|$/gm,
  ),
].flatMap(([, name, label, what]) =>
  [...what!.matchAll(/`(\w+)`/g)].map(([, value]) => `${name}{${label}="${value}"} 0`),
);

it('counters have all documented values of their labels before anything has happened', async () => {
  expect(documented.length).toBeGreaterThanOrEqual(19);
  const lines = (await metrics.metrics()).split('\n');
  expect(documented.filter((line) => !lines.includes(line))).toEqual([]);
});
