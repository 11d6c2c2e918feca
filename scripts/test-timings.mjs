/**
 * `npm run test:timings`: runs all tests and writes how long each file took to test/timings.json, by which
 * test runs are ordered. `npm run test:timings -- report.json` reads a report of jest's (`--json`) instead.
 * Worth committing when it is of a quiet machine, and files have been added or changed a lot.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fail } from './lib/console.mjs';
import { root } from './lib/paths.mjs';

const TABLE = join(root, 'test/timings.json');

const [given] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'posthorn-timings-'));
try {
  const report = given ?? join(folder, 'report.json');
  if (given === undefined) {
    const args = ['--json', `--outputFile=${report}`];
    const { status } = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    // What failed may have taken any time.
    process.exitCode = status ?? 1;
  }
  if (process.exitCode) fail('test/timings.json is left as it was: tests failed');
  else record(JSON.parse(readFileSync(report, 'utf8')));
} finally {
  rmSync(folder, { recursive: true });
}

function record({ testResults }) {
  const former = Object.entries(JSON.parse(readFileSync(TABLE, 'utf8')));
  const measured = testResults.map(({ name, startTime, endTime }) => [
    relative(root, name).split(sep).join('/'),
    Math.round((endTime - startTime) / 100) / 10,
  ]);
  const table = Object.entries(Object.fromEntries([...former, ...measured]))
    .filter(([name]) => existsSync(join(root, name)))
    .toSorted(([oneName, one], [otherName, other]) =>
      one === other ? oneName.localeCompare(otherName) : other - one,
    );
  writeFileSync(TABLE, `${JSON.stringify(Object.fromEntries(table), null, 2)}\n`);
  const seconds = measured.reduce((sum, [, one]) => sum + one, 0);
  console.log(`${measured.length} files, ${Math.round(seconds)} s in all; the slowest:`);
  for (const [name, one] of table.slice(0, 20)) {
    console.log(`${one.toFixed(1).padStart(7)} s  ${name}`);
  }
}
