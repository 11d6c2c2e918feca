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
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      writeFileSync(path, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = readJson(path);
      if (isAlive(holder)) return { acquired: false, holder };
      // Unreadable may just mean that its holder is writing it.
      if (!holder && attempt === 0) await sleep(100);
      else rmSync(path, { force: true });
      continue;
    }
    // Two processes may find the same stale lock; the one that removed it last has overwritten ours.
    await sleep(30);
    if (readJson(path)?.pid !== process.pid) continue;
    return {
      acquired: true,
      update: (extra) => writeJson(path, { ...mine, ...extra }),
      release: () => {
        if (readJson(path)?.pid === process.pid) rmSync(path, { force: true });
      },
    };
  }
  return { acquired: false, holder: readJson(path) };
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
