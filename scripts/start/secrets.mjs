import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../lib/json-file.mjs';
import { Refusal } from '../lib/run.mjs';

/**
 * The keys of this data directory, generated once: another encryption key could not read the
 * webhooks' stored secrets. Those set in the environment take precedence.
 */
export function loadSecrets(dataDir) {
  const path = secretsFile(dataDir);
  let kept = readJson(path);
  if (!kept && existsSync(path)) {
    throw new Refusal(
      `POSTHORN_DATA_DIR: ${path} is damaged, and what it encrypted can't be read without it; restore it, or set another folder.`,
    );
  }
  if (!kept) {
    kept = {
      adminKey: `admin_${randomBytes(24).toString('base64url')}`,
      encryptionKey: randomBytes(32).toString('base64'),
    };
    writeJson(path, kept);
  }
  return {
    adminKey: process.env.POSTHORN_ADMIN_KEY || kept.adminKey,
    encryptionKey: process.env.POSTHORN_ENCRYPTION_KEY || kept.encryptionKey,
  };
}

/** What to say if that is why Posthorn is not ready. It waits for another key, which only a new start brings. */
export function ifKeyIsWrong(said, dataDir) {
  const [what] = /POSTHORN_ENCRYPTION_KEY: [^;]+/.exec(said) ?? [];
  if (!what) return undefined;
  const { MONGODB_URL, POSTHORN_ENCRYPTION_KEY } = process.env;
  const ways = [
    ...(POSTHORN_ENCRYPTION_KEY ? [`unset it to use the one in ${secretsFile(dataDir)}`] : []),
    'set the one that it was encrypted with',
    `or start over with ${MONGODB_URL ? 'another database in MONGODB_URL' : 'another POSTHORN_DATA_DIR'}`,
  ];
  return `${what}; ${ways.join(', ')}`;
}

function secretsFile(dataDir) {
  return join(dataDir, 'secrets.json');
}
