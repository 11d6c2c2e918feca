/** npm run build: dependencies when needed, then everything that goes into dist/. */
import { fail } from './lib/console.mjs';
import { build, ensureDependencies } from './lib/build-steps.mjs';
import { Refusal } from './lib/run.mjs';

try {
  await ensureDependencies();
  await build();
} catch (error) {
  fail(error instanceof Refusal ? error.message : error.stack);
  process.exit(1);
}
