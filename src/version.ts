import { readFileSync } from 'node:fs';
import path from 'node:path';

/** package.json stands two folders above `dist/src/` and one above `src/`. */
function readVersion(): string {
  for (const up of ['..', '../..']) {
    try {
      const text = readFileSync(path.resolve(__dirname, up, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('package.json not found beside the build');
}

export const VERSION = readVersion();
