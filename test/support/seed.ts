import { configureGlobal } from 'fast-check';

/**
 * Random inputs are others in each run, so that they find what is new: by `TEST_SEED` those of a failure. In CI they are
 * always the same, so that no change fails for what others would have found before it.
 */
if (process.env.CI) process.env.TEST_SEED ??= '1';
const { TEST_SEED } = process.env;
if (TEST_SEED) configureGlobal({ seed: Number(TEST_SEED) });
