/**
 * The environment of each test file: the worker's own realm instead of a new one, so that packages can be
 * shared by all files (shared-packages.mjs). What a file leaves on `globalThis` or in the environment of the
 * process ends with it.
 */
import { LegacyFakeTimers, ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';

export default class OneRealm {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  #before = Object.getOwnPropertyDescriptors(globalThis);
  #environment = { ...process.env };
  #exit = Object.getOwnPropertyDescriptor(process, 'exit');

  constructor({ projectConfig: config }) {
    this.fakeTimers = new LegacyFakeTimers({
      config,
      global: globalThis,
      moduleMocker: this.moduleMocker,
      timerConfig: { idToRef: (id) => id, refToId: (timer) => timer },
    });
    this.fakeTimersModern = new ModernFakeTimers({ config, global: globalThis });
  }

  async setup() {}

  async teardown() {
    this.fakeTimers.dispose();
    this.fakeTimersModern.dispose();
    Object.defineProperty(process, 'exit', this.#exit);
    for (const name of Object.keys(process.env)) {
      if (!(name in this.#environment)) delete process.env[name];
    }
    Object.assign(process.env, this.#environment);
    for (const key of Reflect.ownKeys(globalThis)) {
      // Jest's own are there to stay.
      if (!(key in this.#before)) Reflect.deleteProperty(globalThis, key);
    }
    Object.defineProperties(globalThis, this.#before);
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return globalThis;
  }
}
