import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { RECONCILE_SCHEDULES, WORKFLOWS } from '../../../src/contracts/temporal';
import { MINUTE_MS } from '../../../src/domain/durations';
import { Readiness } from '../../../src/readiness';
import { Cipher } from '../../../src/store/cipher';
import { setUpTemporal } from '../../../src/temporal/setup';
import { WriteProof } from '../../../src/temporal/writes';
import { devServer, startPatiently } from '../../support/embedded';
import { eventually } from '../../support/eventually';
import { freePort } from '../../support/free-port';
import { RoleProcess } from '../../support/processes';
import { findPython } from '../../support/python';
import { emailSent } from '../../support/samples';
import { Stack, testEnvironment } from '../../support/stack';

/** Holds the one lock for writes of an SQLite database until its standard input ends. */
const LOCK = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.read()
`;

describe('readiness', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-temporal-'));
  let database: string;
  let temporal: TestWorkflowEnvironment;
  let stack: Stack;

  beforeAll(async () => {
    temporal = await startPatiently(() => {
      // Of one that did not come up, half a schema may be left.
      database = path.join(folder, `${randomUUID()}.db`);
      const extraArgs = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'];
      const server = { executable: devServer(), dbFilename: database, extraArgs };
      return TestWorkflowEnvironment.createLocal({ server });
    });
    stack = await start();
  });
  afterAll(async () => {
    await stack.stop();
    await temporal.teardown();
    rmSync(folder, { recursive: true });
  });

  const start = (): Promise<Stack> =>
    Stack.start({ TEMPORAL_ADDRESS: temporal.address }, { worker: false, isPatient: false });
  /** What a ready API says of Temporal. */
  const ready = async ({ admin } = stack): Promise<unknown> =>
    (await admin.get('/readyz')).body.data?.temporal;

  /** Makes Temporal's database refuse writes meanwhile; reads continue. */
  const withoutWrites = async (work: () => Promise<void>): Promise<void> => {
    const lock = spawn(findPython(), ['-c', LOCK, database], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(lock.stdout, 'data');
    try {
      await work();
    } finally {
      lock.stdin.end();
      await once(lock, 'exit');
    }
  };

  it('says that Temporal takes nothing new, while it only reads, and when it is back', async () => {
    await eventually('it is ok', async () => (await ready()) === 'ok');
    const { client } = await stack.project();
    await withoutWrites(async () => {
      const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      expect(posted.status).toBe(202);
      // The event's start, behind the answer, shows it.
      await eventually('it says so', async () => (await ready()) === 'read_only');
    });
    await eventually('it is back', async () => (await ready()) === 'ok');
  });

  it('says so of an API that was asked for nothing else', async () => {
    const other = await start();
    try {
      await withoutWrites(async () => {
        await eventually('it says so', async () => (await ready(other)) === 'read_only');
      });
    } finally {
      await other.stop();
    }
  });

  it('says so of a worker, and when it is back', async () => {
    const METRICS_ADDRESS = `127.0.0.1:${await freePort()}`;
    const environment = testEnvironment({ TEMPORAL_ADDRESS: temporal.address, METRICS_ADDRESS });
    const setUp = await Stack.start(environment, { worker: false });
    const worker = RoleProcess.start('worker', environment);
    const answers = (status: number, text: string): Promise<unknown> =>
      eventually(`it answers ${status}`, async () => {
        const response = await fetch(`http://${METRICS_ADDRESS}/readyz`).catch(() => null);
        return response?.status === status && (await response.text()).includes(text);
      });
    try {
      await answers(200, 'ok');
      await withoutWrites(async () => {
        await answers(503, `Temporal at ${temporal.address} answers, but takes nothing new`);
      });
      await answers(200, 'ok');
      await worker.drains();
    } finally {
      await worker.end('SIGKILL');
      await setUp.stop();
    }
  });

  it('asks for no write while nobody asks, once one has succeeded', async () => {
    const { config, store, engine } = stack;
    const check = jest.spyOn(engine, 'acceptsNew');
    const look = jest.spyOn(engine, 'whatIsMissing');
    const cipher = new Cipher(config.encryptionKey);
    const readiness = new Readiness(config, pino({ level: 'silent' }), store, engine, cipher);
    await readiness.start();
    await eventually('it has looked again', () => look.mock.calls.length > 1);
    readiness.stop();
    expect(check.mock.calls.length).toBeLessThanOrEqual(1);
    expect(await readiness.ask()).toBeNull();
    for (const spy of [check, look]) spy.mockRestore();
  });

  it('notices within a minute that what setup creates in Temporal is gone, though nothing fails', async () => {
    const { config, store, engine } = stack;
    const cipher = new Cipher(config.encryptionKey);
    const readiness = new Readiness(config, pino({ level: 'silent' }), store, engine, cipher);
    await readiness.start();
    await eventually('all is there', () => readiness.trouble === null);
    const scheduleId = RECONCILE_SCHEDULES.housekeeping;
    await stack.temporal((client) => client.schedule.getHandle(scheduleId).delete());
    const now = performance.now.bind(performance);
    const later = jest.spyOn(performance, 'now').mockImplementation(() => now() + MINUTE_MS);
    try {
      await eventually('it is noticed', () =>
        readiness.trouble?.startsWith(`the schedule ${scheduleId} of`),
      );
      expect(readiness.unready).toBeNull();
      await setUpTemporal(config, pino({ level: 'silent' }), { isPaused: true });
      await eventually('that is over', () => readiness.trouble === null);
    } finally {
      readiness.stop();
      later.mockRestore();
    }
  });

  it('asks for no write while reconcile heartbeats', async () => {
    const environment = { TEMPORAL_ADDRESS: temporal.address };
    const working = await Stack.start(environment, { schedules: true });
    try {
      await working.temporal(async (client) => {
        const query = `WorkflowType = '${WORKFLOWS.reconcile}' AND ExecutionStatus = 'Running'`;
        await eventually('it does', async () => {
          for await (const { workflowId } of client.workflow.list({ query })) {
            const { raw } = await client.workflow.getHandle(workflowId).describe();
            if (raw.pendingActivities?.some((one) => one.lastHeartbeatTime)) return true;
          }
          return false;
        });
        const proof = new WriteProof(client, (call) => call());
        const starting = jest.spyOn(client.workflow, 'start');
        const describe = jest.spyOn(client.workflowService, 'describeWorkflowExecution');
        await proof.check();
        // Nothing was known.
        expect(starting).toHaveBeenCalledTimes(1);
        // While the machine stands still, none heartbeats.
        await eventually('a heartbeat is enough', async () => {
          const [looks, writes] = [describe.mock.calls.length, starting.mock.calls.length];
          await proof.check();
          return describe.mock.calls.length > looks && starting.mock.calls.length === writes;
        });
      });
    } finally {
      await working.stop();
    }
  });

  it('leaves nothing of its asking behind in Temporal, nor of one whose deletion was lost', async () => {
    await stack.temporal((client) =>
      client.workflow.start('readiness', {
        workflowId: 'readiness/left-behind',
        taskQueue: 'posthorn-readiness',
        startDelay: '1m',
      }),
    );
    await eventually('nothing is listed', async () => {
      // Tried by a write when the last is 15 s ago.
      if ((await ready()) !== 'ok') return false;
      return stack.temporal(async (client) => {
        const { count } = await client.workflow.count("WorkflowType = 'readiness'");
        return count === 0;
      });
    });
  });
});
