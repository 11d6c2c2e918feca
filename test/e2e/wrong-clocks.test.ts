import { randomUUID } from 'node:crypto';
import { TASK_QUEUE, WORKFLOWS } from '../../src/contracts/temporal';
import { ApiClient, type Answer } from '../support/api-client';
import { inTheEnd } from '../support/api-crash';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { ADMIN_KEY, Stack, testEnvironment } from '../support/stack';

const SECOND = 1000;
const HOUR = 60 * 60 * SECOND;
const DAY = 24 * HOUR;
/** For what is stored or sent by a process's knowledge of MongoDB's time. */
const NEAR = 2 * SECOND;
/** An hour, as a busy machine may measure it. */
const AN_HOUR = '(359[5-9]|360[0-5]) s';

/** What each case has for itself, so that they wait beside each other. */
interface Own {
  stack: Stack;
  receiver: Receiver;
  client: ApiClient;
  projectId: string;
  /** Starts a process whose clock is so far ahead. */
  start: (role: string, aheadMs: number, settings?: Record<string, string>) => RoleProcess;
  startWorker: (aheadMs: number, settings?: Record<string, string>) => Promise<RoleProcess>;
  /** An API beside the stack's; the client has an owner's key. */
  startApi: (aheadMs: number) => Promise<ApiClient>;
  post: (times: number, through?: ApiClient) => Promise<Answer>;
  /** Has the worker do once all that reconcile does. */
  reconciled: () => Promise<unknown>;
  /** Whether it is a time since the case began: how busy the machine is does not matter. */
  isNear: (time: string | number | Date) => boolean;
}

/** Cases at a time: of more, a busy machine would not start the processes in time to know what time it is. */
const AT_ONCE = 4;

interface Ground {
  environment: Record<string, string>;
  stack: Stack;
}
const grounds: Promise<Ground>[] = [];
const free: Ground[] = [];
const waiting: ((ground: Ground) => void)[] = [];
afterAll(() => Promise.all(grounds.map(async (ground) => (await ground).stack.stop())));

async function startGround(): Promise<Ground> {
  const environment = testEnvironment();
  return { environment, stack: await Stack.start(environment, { worker: false }) };
}

/** A stack that no other case uses at the moment, and of which none has left anything to do. */
async function takeGround(): Promise<Ground> {
  const left = free.pop();
  if (left) return left;
  if (grounds.length === AT_ONCE) return new Promise((resolve) => waiting.push(resolve));
  const ground = startGround();
  grounds.push(ground);
  return ground;
}

async function on(work: (own: Own) => Promise<void>): Promise<void> {
  const [ground, receiver] = await Promise.all([takeGround(), Receiver.start()]);
  const { environment, stack } = ground;
  const started: RoleProcess[] = [];
  const { client, id: projectId } = await stack.project();
  const start: Own['start'] = (role, aheadMs, settings = {}) => {
    const shifted = { CLOCK_AHEAD_MS: String(aheadMs), ...settings };
    const process = RoleProcess.start(role, { ...environment, ...shifted });
    started.push(process);
    return process;
  };
  const startWorker: Own['startWorker'] = async (aheadMs, settings = { CLOCK_UNNOTICED: '1' }) => {
    const worker = start('worker', aheadMs, settings);
    await worker.logged('worker polls');
    return worker;
  };
  const startApi: Own['startApi'] = async (aheadMs) => {
    const port = await freePort();
    const api = start('api', aheadMs, { CLOCK_UNNOTICED: '1', PORT: String(port) });
    await api.logged('API listens');
    return new ApiClient(`http://127.0.0.1:${port}`, client.key);
  };
  const post: Own['post'] = (times, through = client) =>
    through.post('/v1/events/batch', {
      events: Array.from({ length: times }, () => ({ type: 'email.sent', data: emailSent })),
    });
  const reconciled: Own['reconciled'] = () =>
    stack.temporal(({ workflow }) =>
      workflow.execute(WORKFLOWS.reconcile, {
        workflowId: randomUUID(),
        taskQueue: TASK_QUEUE,
        args: [],
      }),
    );
  const began = Date.now();
  const isNear: Own['isNear'] = (time) => {
    const ms = new Date(time).getTime();
    return ms > began - NEAR && ms < Date.now() + NEAR;
  };
  try {
    await work({
      stack,
      receiver,
      client,
      projectId,
      start,
      startWorker,
      startApi,
      post,
      reconciled,
      isNear,
    });
  } finally {
    await Promise.all(started.map((process) => process.end('SIGKILL')));
    // What is left to do of it ends with its project.
    await Promise.all([receiver.close(), stack.admin.delete(`/v1/projects/${projectId}`)]);
    const next = waiting.shift();
    if (next) next(ground);
    else free.push(ground);
  }
}

/** MongoDB, Temporal, the tests and their API agree about the time. */
describe('a process whose clock is wrong', () => {
  describe.each([
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
  ])('a worker, %s', (_which, aheadMs) => {
    it.concurrent.each(['workflow', 'express'])(
      'sends at once, at the right time, and blocks no rate limit after it (%s)',
      (dispatch) =>
        on(async ({ stack, receiver, client, projectId, startWorker, post, isNear }) => {
          await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch });
          const webhook = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 5 } });
          const wrong = await startWorker(aheadMs);
          await post(3);
          await receiver.waitFor(3);
          for (const { headers } of receiver.requests) {
            expect(isNear(Number(headers['x-webhook-timestamp']))).toBe(true);
          }
          const { nextSlotAt } = (await stack.store.webhooks.get(projectId, webhook.id))!;
          expect(isNear(nextSlotAt!)).toBe(true);
          const [delivery] = await eventually('all have arrived', async () => {
            const { body } = await client.get('/v1/deliveries?status=succeeded');
            return body.data.deliveries.length === 3 && body.data.deliveries;
          });
          const { attempts, completedAt } = (await client.get(`/v1/deliveries/${delivery.id}`)).body
            .data;
          expect([attempts[0].startedAt, completedAt].every(isNear)).toBe(true);
          await wrong.end('SIGKILL');
          await startWorker(0);
          await post(3);
          await receiver.waitFor(6);
        }),
    );

    it.concurrent('waits until the date that a receiver names', () =>
      on(async ({ receiver, client, startWorker }) => {
        // Of whole seconds, since it can't say others.
        const date = new Date(Math.ceil((Date.now() + 2 * HOUR) / SECOND) * SECOND);
        const headers = { 'Retry-After': date.toUTCString() };
        receiver.respondWith({ kind: 'answer', status: 503, headers });
        await makeWebhook(client, receiver.url);
        await startWorker(aheadMs);
        const id = await postEvent(client);
        const { nextAttemptAt } = await deliveryWith(client, id, { attemptCount: 1 });
        const lateMs = new Date(nextAttemptAt).getTime() - date.getTime();
        expect(lateMs).toBeGreaterThan(-NEAR);
        expect(lateMs).toBeLessThan(HOUR / 2);
      }),
    );

    it.concurrent('counts failures as if its clock were right', () =>
      on(async ({ receiver, client, startWorker, post }) => {
        const policy = { retryDelaysMs: [1000], autoDisableAfter: 3 };
        const webhook = await makeWebhook(client, receiver.url, { policy });
        const wrong = await startWorker(aheadMs);
        await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
        await wrong.end('SIGKILL');
        await startWorker(0);
        receiver.respondWith(500);
        await post(3);
        await eventually(
          'it is disabled',
          async () => (await client.get(`/v1/webhooks/${webhook.id}`)).body.data.isActive === false,
        );
      }),
    );
  });

  it.concurrent.each([
    ['31 days ahead', 31 * DAY],
    ['31 days behind', -31 * DAY],
  ])(
    'a worker, %s, deletes no event before its time, and those whose time has come',
    (_which, aheadMs) =>
      on(async ({ stack, receiver, client, projectId, startWorker, post, reconciled }) => {
        await makeWebhook(client, receiver.url);
        const right = await startWorker(0);
        await post(5);
        const done = await eventually('all have arrived', async () => {
          const { body } = await client.get('/v1/deliveries?status=succeeded');
          return body.data.deliveries.length === 5 && body.data.deliveries;
        });
        await right.end('SIGKILL');
        await startWorker(aheadMs);
        const [old] = done;
        const hasExpired = { expiresAt: new Date(Date.now() - 1000) };
        await stack.store.events.model.updateOne({ _id: old.eventId }, hasExpired);
        await stack.store.deliveries.model.updateOne({ _id: old.id }, hasExpired);
        await reconciled();
        expect(await stack.store.events.model.countDocuments({ projectId })).toBe(4);
        const kept = done.at(-1).id;
        expect((await client.post(`/v1/deliveries/${kept}/replay`)).status).toBe(202);
        await deliveryWith(client, kept, { status: 'succeeded', replays: 1 });
      }),
  );

  it.concurrent('a worker, 25 hours ahead, ends no rotated secret’s overlap early', () =>
    on(async ({ stack, receiver, client, projectId, startWorker, post, reconciled }) => {
      const { id } = await makeWebhook(client, receiver.url);
      await client.post(`/v1/webhooks/${id}/secret/rotate`, { overlapHours: 24 });
      await startWorker(25 * HOUR);
      await post(1);
      await receiver.waitFor(1);
      expect(receiver.requests[0]!.headers).toHaveProperty('x-webhook-signature-previous');
      await reconciled();
      expect((await stack.store.webhooks.get(projectId, id))!.secrets).toHaveLength(2);
    }),
  );

  it.concurrent(
    'a worker, 25 hours behind, does not sign with a secret whose overlap has ended',
    () =>
      on(async ({ stack, receiver, client, projectId, startWorker, post, reconciled }) => {
        const { id } = await makeWebhook(client, receiver.url);
        await client.post(`/v1/webhooks/${id}/secret/rotate`, { overlapHours: 24 });
        await stack.store.webhooks.model.updateOne(
          { _id: id },
          { 'secrets.1.expiresAt': new Date(Date.now() - HOUR) },
        );
        await startWorker(-25 * HOUR);
        await post(1);
        await receiver.waitFor(1);
        expect(receiver.requests[0]!.headers).not.toHaveProperty('x-webhook-signature-previous');
        await reconciled();
        expect((await stack.store.webhooks.get(projectId, id))!.secrets).toHaveLength(1);
      }),
  );

  it.concurrent.each([
    [3 * SECOND, 'workflow'],
    [-3 * SECOND, 'workflow'],
    [3 * SECOND, 'express'],
    [-3 * SECOND, 'express'],
  ])('an API, %i ms ahead, loses no event of a new webhook (%s)', (aheadMs, dispatch) =>
    on(async ({ stack, client, projectId, startWorker, startApi }) => {
      await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch });
      const wrong = await startApi(aheadMs);
      const [first, second] = await Promise.all([Receiver.start(), Receiver.start()]);
      try {
        // Its webhook and another's event, and the other way round.
        const postOne = (emailId: string, through: ApiClient) =>
          through.post('/v1/events', { type: 'email.sent', data: { ...emailSent, emailId } });
        const got = ({ requests }: Receiver, emailId: string): boolean =>
          requests.some(({ rawBody }) => rawBody.includes(`"emailId":"${emailId}"`));
        await makeWebhook(wrong, first.url);
        await postOne('em_right', client);
        await makeWebhook(client, second.url);
        await postOne('em_wrong', wrong);
        await startWorker(0);
        await inTheEnd(
          stack,
          'both have got theirs',
          async () => got(first, 'em_right') && got(first, 'em_wrong') && got(second, 'em_wrong'),
        );
      } finally {
        await Promise.all([first.close(), second.close()]);
      }
    }),
  );

  it.concurrent.each([
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
  ])(
    'an API, %s, gives everything the right time and place, and judges times rightly',
    (_which, aheadMs) =>
      on(async ({ stack, receiver, client, projectId, startApi, isNear }) => {
        const wrong = await startApi(aheadMs);
        const ids: string[] = [];
        for (const through of [wrong, client, wrong, client]) {
          const { body } = await through.post('/v1/events', {
            type: 'email.sent',
            data: emailSent,
          });
          expect(isNear(body.data.createdAt)).toBe(true);
          ids.unshift(body.data.id);
          // Processes know MongoDB's time as exactly as a busy machine answers them.
          const postedAt = Date.now();
          await eventually('a moment has passed', () => Date.now() - postedAt > SECOND);
        }
        const since = new Date(Date.now() - 60 * SECOND).toISOString();
        const { body } = await wrong.get(`/v1/events?since=${since}`);
        expect(body.data.events.map(({ id }: { id: string }) => id)).toEqual(ids);
        const webhook = (
          await wrong.post('/v1/webhooks', {
            name: 'x',
            url: receiver.url,
            events: ['*'],
          })
        ).body.data;
        expect([webhook.createdAt, webhook.updatedAt].every(isNear)).toBe(true);

        const keyOf = (expiresInMs: number) =>
          wrong.post(`/v1/projects/${projectId}/keys`, {
            name: 'k',
            role: 'reader',
            expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
          });
        expect((await keyOf(-60 * SECOND)).status).toBe(422);
        const { key } = (await keyOf(60 * SECOND)).body.data;
        expect((await new ApiClient(wrong.url, key).get('/v1/events')).status).toBe(200);
        await stack.store.keys.model.updateMany(
          { projectId },
          { expiresAt: new Date(Date.now() - 1000) },
        );
        await eventually('it has expired', async () => {
          return (await new ApiClient(wrong.url, key).get('/v1/events')).status === 401;
        });

        const postedAt = async (time: number): Promise<number> => {
          const event = {
            type: 'email.sent',
            data: emailSent,
            createdAt: new Date(time).toISOString(),
          };
          const headers = { 'x-project-id': projectId };
          return (await new ApiClient(wrong.url, ADMIN_KEY).post('/v1/events', event, headers))
            .status;
        };
        expect(await postedAt(Date.now() + 60 * SECOND)).toBe(202);
        expect(await postedAt(Date.now() + HOUR / 2)).toBe(422);
      }),
  );

  it.concurrent(
    'and a shift of a courier from before MongoDB’s own clock was set back delay nothing',
    () =>
      on(async ({ stack, receiver, client, projectId, startWorker, post }) => {
        await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch: 'express' });
        const renewedAt = new Date(Date.now() + HOUR);
        await stack.store.couriers.model.create({ _id: projectId, shift: 1, renewedAt });
        await makeWebhook(client, receiver.url);
        await startWorker(0);
        await post(1);
        await receiver.waitFor(1);
      }),
  );

  it.concurrent.each([
    ['ahead of', HOUR],
    ['behind', -HOUR],
  ])(
    'an API, an hour %s MongoDB, says so, is not ready, and recovers automatically',
    (side, aheadMs) =>
      on(async ({ client, start, post }) => {
        const port = await freePort();
        const api = start('api', aheadMs, { PORT: String(port) });
        await api.logged('API listens');
        const asked = new ApiClient(`http://127.0.0.1:${port}`, client.key);
        const unready = await asked.get('/readyz');
        expect(unready.status).toBe(503);
        const said = new RegExp(`${AN_HOUR} ${side} MongoDB's`);
        expect(unready.body.error.message).toMatch(said);
        await api.logged(said);
        // Its decisions are right nevertheless.
        expect((await post(1, asked)).status).toBe(202);
        api.signal('SIGUSR2');
        await api.logged('is right again');
        expect((await asked.get('/readyz')).status).toBe(200);
        api.signal('SIGUSR2');
        await eventually(
          'it is not ready',
          async () => (await asked.get('/readyz')).status === 503,
        );
      }),
  );

  it.concurrent(
    'a worker says so, finishes its work, takes nothing more, and recovers automatically',
    () =>
      on(async ({ receiver, client, start, post }) => {
        await makeWebhook(client, receiver.url);
        const port = await freePort();
        const settings = { METRICS_ADDRESS: `127.0.0.1:${port}` };
        const readyz = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/readyz`);
        const worker = start('worker', -HOUR, settings);
        const said = new RegExp(`${AN_HOUR} behind MongoDB's`);
        await worker.logged(said);
        const unready = await readyz();
        expect(unready.status).toBe(503);
        expect(await unready.text()).toMatch(said);
        expect(worker.log()).not.toContain('worker polls');
        worker.signal('SIGUSR2');
        await worker.logged('worker polls');
        const slow = { kind: 'answer', status: 200, delayMs: 2000 } as const;
        receiver.respondWith(slow);
        const underWay = await postEvent(client);
        await receiver.waitFor(1);
        worker.signal('SIGUSR2');
        await deliveryWith(client, underWay, { status: 'succeeded' });
        await worker.logged('STOPPED');
        expect((await readyz()).status).toBe(503);
        await post(2);
        const { body } = await client.get('/v1/deliveries?status=succeeded');
        expect(body.data.deliveries).toHaveLength(1);
        worker.signal('SIGUSR2');
        await receiver.waitFor(3);
        await eventually('it is ready', async () => (await readyz()).status === 200);
        expect(await worker.end('SIGTERM')).toBe(0);
      }),
  );
});
