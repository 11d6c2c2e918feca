/**
 * npm test: real MongoDB and Temporal with a throwaway data directory, then jest.
 * Arguments are jest's: `npm test -- test/unit`, `npm test -- -t 'a title'`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopAllGuarded } from './embedded/guarded.mjs';
import { findBinary, startEmbedded } from './embedded/index.mjs';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail } from './lib/console.mjs';
import { createLifetime } from './lib/lifetime.mjs';
import { root } from './lib/paths.mjs';
import { Refusal } from './lib/run.mjs';

/** What a run's processes need besides, and more. */
const PLENTY_BYTES = 8 * 1024 ** 3;

const jestArgs = process.argv.slice(2);
const folders = jestArgs.filter((arg) => !arg.startsWith('-'));
const onlyIn = (pattern) => folders.length > 0 && folders.every((arg) => pattern.test(arg));
// Unit tests need no servers and no build. Kept histories are played back by the SDK, without servers.
const unitOnly = onlyIn(/^(\.\/)?test\/unit\b/);
const withoutServers = onlyIn(/^(\.\/)?test\/(unit|histories\/replay)\b/);
const withBrowser = folders.some((arg) => /^(\.\/)?test\/browser\b/.test(arg));

const lifetime = createLifetime({ interruptedCode: 130 });
try {
  await ensureDependencies();
  if (!unitOnly) await ensureBuilt();
  const env = withoutServers ? {} : await prepareServers();
  const code = await runJest({ ...process.env, ...env, ...(withBrowser && { TEST_BROWSER: '1' }) });
  await lifetime.end(code);
} catch (error) {
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

async function prepareServers() {
  // Temporal's garbage collector: its heap is small here, and would be gone through over and over.
  process.env.GOGC ??= '400';
  const testServer = await findBinary('temporal-test-server');
  const temporalCli = await findBinary('temporal');
  const dataDir = mkdtempSync(join(dataParent(), 'posthorn-test-'));
  lifetime.onStop(() => rmSync(dataDir, { recursive: true }));
  lifetime.onStop(stopAllGuarded);
  const servers = await startEmbedded({
    dataDir,
    throwaway: true,
    headless: true,
    ttlSeconds: 1,
    onServerLost: () => lifetime.end(1),
  });
  lifetime.onStop(servers.stop);
  return {
    TEST_MONGODB_URL: servers.mongodbUrl,
    TEST_TEMPORAL_ADDRESS: servers.temporalAddress,
    TEST_TEMPORAL_TEST_SERVER: testServer.path,
    TEST_TEMPORAL_CLI: temporalCli.path,
    // Tests call it too, and a developer's profile is not meant for their servers.
    TEMPORAL_CONFIG_FILE: '/dev/null',
  };
}

/**
 * Memory, if there is plenty: on a disk the servers would wait at each write, for throwaway data. A whole run
 * writes less than one GiB.
 */
function dataParent() {
  const inMemory = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(inMemory);
    if (Math.min(bavail * bsize, process.availableMemory()) > PLENTY_BYTES) return inMemory;
  } catch {
    // Not every system has one.
  }
  return tmpdir();
}

function runJest(env) {
  return new Promise((resolve, reject) => {
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    // Room for what each test makes and drops: it is collected less often. Jest's workers inherit it.
    const child = spawn(process.execPath, ['--max-semi-space-size=64', jest, ...jestArgs], {
      cwd: root,
      env,
      stdio: 'inherit',
    });
    lifetime.onStop(() => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
