import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { step } from './console.mjs';
import { readJson } from './json-file.mjs';
import { withLock } from './lock.mjs';
import { nodeBin, root } from './paths.mjs';
import { mustRun } from './run.mjs';

const stamp = join(root, 'dist/.built');
const sources = ['src', 'workflows', 'activities', 'dashboard'];
const buildInputs = [
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  // The dashboard shows its code.
  'docs/guide-verify.md',
];
// Several starts and test runs of one checkout may install or build at the same time.
const lockFile = join(
  tmpdir(),
  `posthorn-build-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.lock`,
);

/** Runs `npm ci` when node_modules is missing or older than package-lock.json. */
export async function ensureDependencies() {
  if (dependenciesAreCurrent()) return;
  await withLock(lockFile, async () => {
    if (dependenciesAreCurrent()) return;
    await step('Installing dependencies (npm ci)', async () => {
      // A production environment would leave the build tools out.
      const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
      await mustRun('npm', args, { cwd: root, stdio: 'inherit' });
    });
  });
}

/** By time first; a checkout that only touched package-lock.json needs no new install. */
function dependenciesAreCurrent() {
  const wantedFile = join(root, 'package-lock.json');
  const installedFile = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return false;
  if (mtime(installedFile) >= mtime(wantedFile)) return true;
  const installed = readJson(installedFile)?.packages ?? {};
  return Object.entries(readJson(wantedFile)?.packages ?? {}).every(
    ([path, wanted]) => !path || wanted.optional || installed[path]?.version === wanted.version,
  );
}

/** Builds when anything that goes into dist/ is newer than the last complete build. */
export async function ensureBuilt() {
  if (isBuilt()) return;
  await withLock(lockFile, async () => {
    if (!isBuilt()) await buildAll();
  });
}

/** Builds unconditionally. */
export function build() {
  return withLock(lockFile, buildAll);
}

async function buildAll() {
  const startedAt = new Date();
  await step('Compiling TypeScript', async () => {
    // Types are checked by `npm run types`; without checking them, compiling takes a tenth of the time.
    await mustRun(nodeBin('tsc'), ['-p', 'tsconfig.build.json', '--noCheck'], { cwd: root });
  });
  await step('Bundling workflows', async () => {
    await mustRun(process.execPath, ['dist/src/temporal/bundle.js'], { cwd: root });
  });
  if (hasDashboard()) {
    await step('Building the dashboard', async () => {
      // By NODE_ENV=development or test React's checks would be built in, beyond the limit of the first load.
      const env = { ...process.env, NODE_ENV: 'production' };
      await mustRun(nodeBin('vite'), ['build'], { cwd: join(root, 'dashboard'), env });
    });
  }
  // The stamp carries the start time, so that what was edited during the build is built next time.
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

function hasDashboard() {
  const folder = join(root, 'dashboard');
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('vite.config.'));
}

function isBuilt() {
  if (!existsSync(stamp) || !existsSync(join(root, 'dist/workflow-bundle.js'))) return false;
  const builtAt = mtime(stamp);
  return (
    buildInputs.every((name) => mtime(join(root, name)) <= builtAt) &&
    sources.every((name) => newest(join(root, name)) <= builtAt)
  );
}

/** The latest change below a folder; the folder's own time reveals removed files. */
function newest(path) {
  if (!existsSync(path)) return 0;
  let latest = mtime(path);
  if (!statSync(path).isDirectory()) return latest;
  for (const entry of readdirSync(path)) {
    if (entry === 'node_modules' || entry === 'dist') continue;
    latest = Math.max(latest, newest(join(path, entry)));
  }
  return latest;
}

function mtime(path) {
  return statSync(path).mtimeMs;
}
