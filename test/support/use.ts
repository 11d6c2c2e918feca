import type { ApiClient } from './api-client';
import { Fixture } from './fixture';
import { Receiver, type ReceiverOptions } from './receiver';
import { Stack } from './stack';

type Hook = (run: () => Promise<void>) => void;

/** What is begun by one hook and ended by the other, to be used like itself in between. */
function use<T extends object>(
  what: string,
  hooks: { before: Hook; after: Hook },
  begin: () => Promise<T>,
  end: (begun: T) => Promise<void>,
): T {
  let begun: T | undefined;
  hooks.before(async () => {
    begun = await begin();
  });
  hooks.after(async () => {
    if (begun) await end(begun);
    begun = undefined;
  });
  const now = (): T => {
    if (!begun) throw new Error(`there is no ${what} before the hooks and tests run`);
    return begun;
  };
  return new Proxy({} as T, {
    get: (_none, name) => Reflect.get(now(), name) as unknown,
    set: (_none, name, value) => Reflect.set(now(), name, value),
  });
}

const forAll = { before: beforeAll, after: afterAll };
const forEach = { before: beforeEach, after: afterEach };

/** A stack for all tests of this file or `describe`, with the arguments of `Stack.start`. */
export const useStack = (...settings: Parameters<typeof Stack.start>): Stack =>
  use(
    'stack',
    forAll,
    () => Stack.start(...settings),
    (stack) => stack.stop(),
  );

/** A receiver for all tests of this file or `describe`. */
export const useReceiver = (options?: ReceiverOptions): Receiver =>
  use(
    'receiver',
    forAll,
    () => Receiver.start(options),
    (receiver) => receiver.close(),
  );

/** A receiver for each test of this file or `describe`. */
export const useFreshReceiver = (options?: ReceiverOptions): Receiver =>
  use(
    'receiver',
    forEach,
    () => Receiver.start(options),
    (receiver) => receiver.close(),
  );

/** The owner of a fresh project for each test of this file or `describe`. */
export const useFreshClient = (stack: Stack, options: Parameters<Stack['project']>[0]): ApiClient =>
  use(
    'client',
    forEach,
    async () => (await stack.project(options)).client,
    () => Promise.resolve(),
  );

/** A fixture for all tests of this file or `describe`. */
export const useFixture = (): Fixture =>
  use(
    'fixture',
    forAll,
    () => Fixture.open(),
    (fixture) => fixture.close(),
  );
