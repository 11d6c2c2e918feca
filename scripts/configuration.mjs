/**
 * npm run configuration: writes docs/configuration.md from the settings. With `--check` it writes nothing,
 * and fails if the page is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pageOf } from './configuration/page.cjs';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say } from './lib/console.mjs';
import { root } from './lib/paths.mjs';
import { Refusal } from './lib/run.mjs';

const file = join(root, 'docs/configuration.md');

try {
  await ensureDependencies();
  await ensureBuilt();
  const { settings } = createRequire(import.meta.url)(join(root, 'dist/src/config/settings.js'));
  const page = pageOf(settings.shape);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, page);
    say('  docs/configuration.md is written');
  } else if (readFileSync(file, 'utf8') !== page) {
    throw new Refusal('docs/configuration.md is stale: run "npm run configuration"');
  }
} catch (error) {
  fail(error instanceof Refusal ? error.message : error.stack);
  process.exitCode = 1;
}
