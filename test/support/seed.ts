import { configureGlobal } from 'fast-check';

/**
 * Random inputs are others in each run, so that they find what is new: by `TEST_SEED` those of a failure, or of
 * `.ci/run`, where a test that fails is to be one that the change has broken.
 */
const { TEST_SEED } = process.env;
if (TEST_SEED) configureGlobal({ seed: Number(TEST_SEED) });
