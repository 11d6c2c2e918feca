/**
 * `node scripts/fetch-node.mjs 24.21.0` prints the path of that Node, for tests on another version. It comes
 * from npm's packages of Node's official builds, and is cached beside the servers' binaries.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './embedded/find-binary.mjs';
import { fail, say } from './lib/console.mjs';
import { mustRun, Refusal } from './lib/run.mjs';

const [version] = process.argv.slice(2);
const name = `node-${process.platform}-${process.arch}`;
const kept = join(cacheFolder, `${name}-${version}`);
try {
  if (!existsSync(kept)) await install();
  say(join(kept, 'node_modules', name, 'bin/node'));
} catch (error) {
  fail(error instanceof Refusal ? error.message : error.stack);
  process.exit(1);
}

/** In a separate folder, renamed when complete: concurrent or interrupted runs break nothing. */
async function install() {
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, '.fetch-'));
  try {
    const options = ['--prefix', work, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
    for (let tries = 1; ; tries += 1) {
      try {
        await mustRun('npm', ['install', ...options, `${name}@${version}`], { cwd: work });
        break;
      } catch (error) {
        // npm asks again for what got no answer, but not for a package of which half has come.
        if (tries === 3) throw error;
      }
    }
    renameSync(work, kept);
  } catch (error) {
    // Another process was first.
    if (!existsSync(kept)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
