import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** package.json is two folders above `dist/src/` and one above `src/`. */
function findPackage(): string {
  const folder = ['..', '../..']
    .map((up) => path.resolve(__dirname, up))
    .find((candidate) => existsSync(path.join(candidate, 'package.json')));
  if (folder === undefined) throw new Error('package.json not found beside the build');
  return folder;
}

export const PACKAGE_FOLDER = findPackage();
export const { version: VERSION } = JSON.parse(
  readFileSync(path.join(PACKAGE_FOLDER, 'package.json'), 'utf8'),
) as { version: string };
