import { createRequire } from 'node:module';
import { join } from 'node:path';
import { distMain } from '../../scripts/lib/paths.mjs';

export const bareQueue = 'bench-bare';
export const bareBundle = (dataDir) => join(dataDir, 'bare-bundle.js');

/** The settings of this process's environment, as Posthorn's own processes read them. */
export const configOf = (role) => createRequire(distMain)('./config/config.js').loadConfig(role);
