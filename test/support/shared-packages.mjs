/**
 * Jest's runtime, but what is in node_modules is loaded as Node does, once for all test files of a worker.
 * Jest would load it anew for each file: mongoose, Temporal and their like, nearly three seconds of CPU, and
 * memory that is never given back. The code under test and the tests run anew for each file, but are compiled
 * once: half of what loading them takes. What files share has to be of one realm (one-realm.mjs), or an `Error`
 * would be none to a package. `executor` and `_resolution` are internals of the version that package.json names.
 */
import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { compileFunction } from 'node:vm';
import Runtime from 'jest-runtime';

/** Node's own. */
const load = createRequire(import.meta.url);

const PACKAGES = `${sep}node_modules${sep}`;

let current;

/** By filename: a function that runs it, compiled for an earlier test file, and its source. */
const compiled = new Map();

/** What packages load of ours by its path, such as the failure converter, is that of the test file. */
load.extensions['.ts'] = (module, filename) => {
  delete load.cache[filename];
  module.exports = current.requireModule(filename);
};

export default class SharedPackages extends Runtime {
  constructor(...args) {
    super(...args);
    current = this;
    const { executor } = this;
    executor.compile = (source, filename) => {
      const before = compiled.get(filename);
      if (before?.source === source) return before.run;
      const run = compileFunction(source, executor.injectedModuleParameters, { filename });
      compiled.set(filename, { source, run });
      return run;
    };
  }

  requireModule(from, moduleName, options, isRequireActual) {
    // oxlint-disable-next-line no-underscore-dangle
    const { _resolution: resolution } = this;
    if (moduleName && !options?.isInternalModule && !resolution.isCoreModule(moduleName)) {
      const path = resolution.resolveCjs(from, moduleName);
      if (path.includes(PACKAGES)) return load(path);
    }
    return super.requireModule(from, moduleName, options, isRequireActual);
  }
}
