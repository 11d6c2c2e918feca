/** Downloads everything that start and test need, and starts nothing. */
import { findBinary } from './embedded/index.mjs';
import { fail, say } from './lib/console.mjs';
import { ensureDependencies } from './lib/build-steps.mjs';
import { Refusal } from './lib/run.mjs';

try {
  await ensureDependencies();
  for (const name of ['mongod', 'temporal', 'temporal-test-server']) {
    const { path, version } = await findBinary(name);
    say(`  ${name} ${version}: ${path}`);
  }
} catch (error) {
  fail(error instanceof Refusal ? error.message : error.stack);
  process.exit(1);
}
