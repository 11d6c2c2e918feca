import path from 'node:path';

/** What a thread runs: it loads what `npm run build` has compiled. */
export const CHILD_FILE = path.resolve(__dirname, '../../dist/src/tenant-cpu/child.js');
