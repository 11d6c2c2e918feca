import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that these scripts belong to. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export const distMain = join(root, 'dist/src/main.js');

/** State of a development start: servers' data, logs, secrets, dev.json. */
export function dataDirectory() {
  return resolve(root, process.env.POSTHORN_DATA_DIR || '.data');
}

/** An executable installed by `npm ci`. */
export function nodeBin(name) {
  return join(root, 'node_modules/.bin', name);
}
