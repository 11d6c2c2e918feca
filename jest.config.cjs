/** Run through `npm test`, which starts the servers that most tests need (scripts/test.mjs). */
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    // They need a browser: `npm test -- test/browser`.
    ...(process.env.TEST_BROWSER ? [] : ['<rootDir>/test/browser/']),
    // Keeps histories, by hand: CONTRIBUTING.md, "Changing a workflow".
    ...(process.env.HISTORIES ? [] : ['<rootDir>/test/histories/record']),
  ],
  // The generated client imports its own files by the names that they have when compiled.
  moduleNameMapper: { '^(\\.{1,2}/.+)\\.js$': ['$1', '$1.js'] },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/'],
  runtime: '<rootDir>/test/support/shared-packages.mjs',
  setupFiles: ['<rootDir>/test/support/seed.ts'],
  testEnvironment: '<rootDir>/test/support/one-realm.mjs',
  // Against hanging alone: a busy machine takes many times as long as a quiet one.
  testTimeout: 240_000,
  // One more than cores that a small machine has: a third of their time is waiting.
  maxWorkers: 3,
  // A worker that jest restarts at the very end has to start before it can exit.
  workerGracefulExitTimeout: 30_000,
  testSequencer: '<rootDir>/test/support/slowest-first.mjs',
  // Each file loads our own modules anew: what is left of a hundred files fills gigabytes, which the garbage
  // collector goes through over and over.
  workerIdleMemoryLimit: '1GB',
  // Tests that wait beside each other (it.concurrent, in one describe) mostly wait: for a dead worker's tasks to be
  // given to another one, or for a rate. Those that need more CPU take turns themselves.
  maxConcurrency: 8,
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript' },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
};
