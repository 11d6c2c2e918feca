/**
 * The servers that scripts/test.mjs has started for this run, and binaries for tests that start a
 * server of their own.
 */
import { randomUUID } from 'node:crypto';
import type { ProjectDefaults } from '../../src/store/projects';
import { eventually } from './eventually';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this test through npm test`);
  return value;
}

/** Of a store whose settings no test is about. */
export const DEFAULTS: ProjectDefaults = { retentionDays: 30, dispatch: 'workflow' };

/** A database of its own for each caller, on the shared replica set. Drop it when done. */
export function freshMongodbUrl(): string {
  const url = new URL(required('TEST_MONGODB_URL'));
  url.pathname = `/test-${randomUUID()}`;
  return url.toString();
}

/** host:port of a Temporal development server with the namespace `default`. */
export function temporalAddress(): string {
  return required('TEST_TEMPORAL_ADDRESS');
}

/** For `TestWorkflowEnvironment.createTimeSkipping({server: {executable: …}})`. */
export function timeSkippingServer(): { type: 'existing-path'; path: string } {
  return { type: 'existing-path', path: required('TEST_TEMPORAL_TEST_SERVER') };
}

/** For `TestWorkflowEnvironment.createLocal({server: {executable: …}})`. */
export function devServer(): { type: 'existing-path'; path: string } {
  return { type: 'existing-path', path: required('TEST_TEMPORAL_CLI') };
}

/** The SDK gives a server five seconds to come up, in which a busy machine may not get to it: then another one. */
export const startPatiently = <T>(start: () => Promise<T>): Promise<T> =>
  eventually('a server is up in time', () =>
    start().catch((error: Error) => {
      if (!/did not start within/.test(error.message)) throw error;
      return null;
    }),
  );
