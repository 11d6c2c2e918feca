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
  const path = join(dataDir, 'secrets.json');
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
