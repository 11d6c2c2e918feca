import type { Http2Server } from 'node:http2';
import { promisify } from 'node:util';
import path from 'node:path';
import { pino } from 'pino';
import { loadConfig, type Config } from '../../src/config/config';
import type { Activities } from '../../src/contracts/activities';
import { GRPC } from '../../src/temporal/grpc';
import { setUpTemporal } from '../../src/temporal/setup';
import { createWorker, runWorker } from '../../src/temporal/worker';
import { eventually } from '../support/eventually';
import { useServers } from '../support/foreign-server';
import { refusingTemporal } from '../support/refusing-temporal';
import { ensureRuntime } from '../support/runtime';
import { testEnvironment, testServer } from '../support/stack';

// None is called.
const activities = { findEnd: async () => null } as unknown as Activities;
const log = pino({ level: 'silent' });
const BUNDLE = path.resolve(__dirname, '../../dist/workflow-bundle.js');

/** Threads of JavaScript, as far as they hold ports to talk by. */
const ports = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;

describe('a worker that can not be made', () => {
  const addressOf = useServers();

  /** A Temporal that refuses those calls, and the configuration of a process that uses it. */
  async function refusing(
    method: string,
    code: keyof typeof GRPC,
  ): Promise<{ front: Http2Server; config: Config }> {
    ensureRuntime();
    const front = refusingTemporal(testServer('TEMPORAL_ADDRESS'), method, GRPC[code]);
    const environment = testEnvironment();
    await setUpTemporal(loadConfig('setup', environment), log);
    const TEMPORAL_ADDRESS = await addressOf(front);
    return { front, config: loadConfig('worker', { ...environment, TEMPORAL_ADDRESS }) };
  }

  const closed = (front: Http2Server): Promise<boolean> =>
    eventually('its connection is closed', async () => {
      return (await promisify(front.getConnections.bind(front))()) === 0;
    });

  it('since its namespace is refused leaves neither connection nor thread', async () => {
    const { front, config } = await refusing('DescribeNamespace', 'notFound');
    const before = ports();
    const made = createWorker(config, activities, { bundle: BUNDLE });
    await expect(made).rejects.toThrow(`refused with ${GRPC.notFound}`);
    await closed(front);
    await eventually('its threads have ended', () => ports() <= before);
  });

  it('since its workflows are missing leaves no connection of those that were made before', async () => {
    const { front, config } = await refusing('none', 'unavailable');
    const made = createWorker(config, activities, { bundle: '/missing/bundle.js' });
    await expect(made).rejects.toThrow('ENOENT');
    await closed(front);
  });

  it.concurrent.each(['unavailable', 'deadlineExceeded', 'permissionDenied', 'notFound'] as const)(
    'says what Temporal answers: %s',
    async (code) => {
      const { config } = await refusing('DescribeNamespace', code);
      const stopped = new AbortController();
      const ready = { complete: Promise.resolve(), unreadable: null };
      const worker = runWorker(config, log, activities, ready, stopped.signal);
      const why = `TEMPORAL_ADDRESS: the worker can't connect to Temporal at ${config.temporal.address}: refused with ${GRPC[code]};`;
      await eventually('it says why', () => worker.whyIdle()?.startsWith(why));
      stopped.abort();
      await worker.done;
    },
  );
});
