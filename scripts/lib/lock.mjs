import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readJson, writeJson } from './json-file.mjs';
import { identify, isAlive } from './process-identity.mjs';
import { sleep } from './run.mjs';

/**
 * A lock held by a living process. One left behind by kill -9 is taken over.
 * Returns `{acquired: true, update(extra), release()}` or `{acquired: false, holder}`.
 */
export async function takeLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = identify(process.pid);
  while (!create(path, mine)) {
    const holder = await holderOf(path);
    if (isAlive(holder)) return { acquired: false, holder };
    await removeLeft(path, mine);
  }
  return {
    acquired: true,
    update: (extra) => writeJson(path, { ...mine, ...extra }),
    release: () => {
      if (readJson(path)?.pid === process.pid) rmSync(path, { force: true });
    },
  };
}

/** One at a time: of two that find the same one left behind, the later would remove the lock of the earlier. */
async function removeLeft(path, mine) {
  const removal = `${path}.removal`;
  if (create(removal, mine)) {
    if (!isAlive(await holderOf(path))) rmSync(path, { force: true });
    rmSync(removal, { force: true });
  } else if (isAlive(await holderOf(removal))) {
    await sleep(10);
  } else {
    rmSync(removal, { force: true });
  }
}

/** Whether there was none. */
function create(path, mine) {
  try {
    writeFileSync(path, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(path) {
  const holder = readJson(path);
  if (holder) return holder;
  await sleep(100); // its holder may be writing it
  return readJson(path);
}

/** Runs `work` while holding the lock; waits until other processes have released it. */
export async function withLock(path, work, { timeoutMs = 15 * 60_000 } = {}) {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const lock = await takeLock(path);
    if (lock.acquired) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (Date.now() > deadlineMs) throw new Error(`Another process still holds ${path}`);
    await sleep(300);
  }
}
