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
import { REFUSED_FOR_GOOD, refusingTemporal, type Refusal } from '../support/refusing-temporal';
import { ensureRuntime } from '../support/runtime';
import { testEnvironment, testServer } from '../support/stack';

// None is called.
const activities = { findEnd: async () => null } as unknown as Activities;
const log = pino({ level: 'silent' });
const BUNDLE = path.resolve(__dirname, '../../dist/workflow-bundle.js');

/** Threads of JavaScript, as far as they hold ports to talk by. */
const ports = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;

const addressOf = useServers();

/** A Temporal that refuses that, and the configuration of a process that uses it. */
async function refusing(refused: Refusal): Promise<{ front: Http2Server; config: Config }> {
  const front = refusingTemporal(testServer('TEMPORAL_ADDRESS'), refused);
  const environment = testEnvironment();
  await setUpTemporal(loadConfig('setup', environment), log);
  const TEMPORAL_ADDRESS = await addressOf(front);
  ensureRuntime();
  return { front, config: loadConfig('worker', { ...environment, TEMPORAL_ADDRESS }) };
}

const hasConnections = (front: Http2Server, count: number): Promise<boolean> =>
  eventually(`it has ${count} connections`, async () => {
    return (await promisify(front.getConnections.bind(front))()) === count;
  });

describe('a worker that can not be made', () => {
  it('since its namespace is refused leaves neither connection nor thread', async () => {
    const { front, config } = await refusing({ method: 'DescribeNamespace', code: GRPC.notFound });
    const before = ports();
    const made = createWorker(config, activities, { bundle: BUNDLE });
    await expect(made).rejects.toThrow(`refused with ${GRPC.notFound}`);
    await hasConnections(front, 0);
    await eventually('its threads have ended', () => ports() <= before);
  });

  it('since its workflows are missing leaves no connection of those that were made before', async () => {
    const { front, config } = await refusing({ method: 'none', code: GRPC.unavailable });
    const made = createWorker(config, activities, { bundle: '/missing/bundle.js' });
    await expect(made).rejects.toThrow('ENOENT');
    await hasConnections(front, 0);
  });

  it.concurrent.each(['unavailable', 'deadlineExceeded', 'permissionDenied', 'notFound'] as const)(
    'says what Temporal answers: %s',
    async (code) => {
      const { config } = await refusing({ method: 'DescribeNamespace', code: GRPC[code] });
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

describe('a worker of which Temporal refuses', () => {
  const ready = { complete: Promise.resolve(), unreadable: null };

  it.concurrent('all polls goes on saying so as it polls again', async () => {
    const { config } = await refusing({ ...REFUSED_FOR_GOOD, method: 'PollActivityTaskQueue' });
    const stopped = new AbortController();
    const said: (string | null)[] = [];
    const polls = pino(
      {},
      { write: (line) => line.includes('worker polls') && said.push(whyIdle()) },
    );
    const { whyIdle, done } = runWorker(config, polls, activities, ready, stopped.signal, {
      bundle: BUNDLE,
    });
    await eventually('it has polled three times', () => said.length >= 3);
    stopped.abort();
    await done;
    const why = `the worker's polls of Temporal at ${config.temporal.address} have failed: `;
    for (const one of said.slice(1)) expect(one).toContain(why);
    expect(said[1]).toContain(REFUSED_FOR_GOOD.message);
  });

  it.concurrent('polls no more says nothing once it has polled for a while', async () => {
    const refused = { ...REFUSED_FOR_GOOD, method: 'PollActivityTaskQueue' };
    const { config } = await refusing(refused);
    const stopped = new AbortController();
    const { whyIdle, done } = runWorker(config, log, activities, ready, stopped.signal, {
      bundle: BUNDLE,
      takenMs: 1000,
    });
    await eventually('it says why', () => whyIdle()?.includes(REFUSED_FOR_GOOD.message));
    refused.method = 'none';
    await eventually('it polls', () => whyIdle() === null);
    stopped.abort();
    await done;
  });

  it.concurrent.each(['PollActivityTaskQueue', 'PollWorkflowTaskQueue'])(
    '%s ends with the refusal, and leaves no connection by which something could still poll',
    async (method) => {
      const { front, config } = await refusing({ ...REFUSED_FOR_GOOD, method });
      const { run } = await createWorker(config, activities, { bundle: BUNDLE });
      await expect(run()).rejects.toThrow(REFUSED_FOR_GOOD.message);
      await hasConnections(front, 0);
    },
  );
});
