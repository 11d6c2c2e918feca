import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endLeftovers } from '../embedded/guarded.mjs';
import { takeLock } from '../lib/lock.mjs';
import { dataDirectory } from '../lib/paths.mjs';
import { Refusal } from '../lib/run.mjs';

const problems = {
  EEXIST: 'is a file',
  ENOTDIR: 'is below a file',
  EACCES: "can't be written by this user",
  EPERM: "can't be written by this user",
  EROFS: "can't be written by this user",
  ENOSPC: 'is on a disk that is full',
};

/**
 * Creates the folder of a development start, locks it for this process, and ends what an earlier one has left
 * running: it would still have its ports.
 * Returns `{dataDir, lock}`, or throws a Refusal that says what to do.
 */
export async function takeDataDirectory() {
  const dataDir = dataDirectory();
  try {
    mkdirSync(dataDir, { recursive: true });
    const probe = join(dataDir, `.writable-${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch ({ code }) {
    const problem = problems[code] ?? "can't be used";
    throw new Refusal(`POSTHORN_DATA_DIR: ${dataDir} ${problem} (${code}); set another folder.`);
  }
  const lock = await takeLock(join(dataDir, 'lock.json'));
  if (!lock.acquired) {
    const { apiUrl, pid } = lock.holder ?? {};
    const where = apiUrl ? `at ${apiUrl}` : 'and is still starting';
    throw new Refusal(
      `POSTHORN_DATA_DIR: Posthorn is already running on ${dataDir}, ${where} (process ${pid}); use that one, stop it, or set another folder.`,
    );
  }
  await endLeftovers(dataDir);
  return { dataDir, lock };
}
