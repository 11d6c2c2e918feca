import { configureGlobal } from 'fast-check';

/** Random inputs are others in each run, so that they find what is new: by `TEST_SEED` those of a failure. */
const { TEST_SEED } = process.env;
if (TEST_SEED) configureGlobal({ seed: Number(TEST_SEED) });
