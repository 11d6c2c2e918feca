import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { replayWorkflowId } from '../../src/contracts/temporal';
import { ApiClient } from '../support/api-client';
import { say, silentConnections } from '../support/connections';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { EventStream } from '../support/event-stream';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { testEnvironment } from '../support/stack';
import { useStack } from '../support/use';

/**
 * Milliseconds beyond the slowest attempt that SIGTERM may take: five seconds, and some for a busy machine. A
 * process that hangs would take at least ten seconds.
 */
const MARGIN_MS = 9000;
/** A busy machine takes longer now and then, but not each time: until one process has stopped in time. */
const PATIENCE_MS = 200_000;
const policy = { timeoutMs: 10_000, retryDelaysMs: [60_000] };

/** Of each of its workers. */
const DRAINING = /(DRAINING[^]*){4}/;

jest.setTimeout(300_000);

describe('a process that is told to stop', () => {
  const environment = testEnvironment();
  const stack = useStack(environment, { worker: false });
  let receiver: Receiver;
  const started: RoleProcess[] = [];

  // One each: what a stopped worker has left, the next one delivers.
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((role) => role.end('SIGKILL')));
    await receiver.close();
  });

  const start = async (
    role: 'api' | 'worker' | 'all',
  ): Promise<{ role: RoleProcess; port: number; metricsPort: number }> => {
    const [port, metricsPort] = await Promise.all([freePort(), freePort()]);
    const process = RoleProcess.start(role, {
      ...environment,
      PORT: String(port),
      METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
    });
    started.push(process);
    if (role !== 'worker') await process.takesRequests(port);
    if (role !== 'api') await process.logged('RUNNING');
    // The last thing that is started.
    await eventually('its metrics listen', () =>
      fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return { role: process, port, metricsPort };
  };

  /** @returns the event's id */
  const post = async (
    client: ApiClient,
    event: Record<string, unknown> = { type: 'email.sent', data: emailSent },
  ): Promise<string> => {
    const { status, body } = await client.post('/v1/events', event);
    expect(status).toBe(202);
    return body.data.id as string;
  };

  /** A stream, which would not end by itself. */
  const follow = async (port: number): Promise<EventStream> => {
    const { client } = await stack.project();
    const authorization = `Bearer ${client.key}`;
    const stream = await EventStream.open(`http://127.0.0.1:${port}`, { authorization });
    await stream.next('ready');
    return stream;
  };

  /** Has requests answered with 200 once that is called. */
  const holdAnswers = (): (() => void) => {
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 200, after });
    return answer;
  };

  const msUntilStopped = async (role: RoleProcess): Promise<number> => {
    const toldAt = performance.now();
    await role.drains();
    return performance.now() - toldAt;
  };

  it.each(['api', 'worker', 'all'] as const)(
    'ends as %s although connections to it say nothing, or half of something',
    async (name) => {
      const stop = async (): Promise<boolean> => {
        const { role, port, metricsPort } = await start(name);
        await silentConnections(metricsPort);
        if (name !== 'worker') await silentConnections(port);
        const stream = name === 'worker' ? undefined : await follow(port);
        // Kept alive by the client, as load balancers do.
        await say(metricsPort, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
        const tookMs = await msUntilStopped(role);
        if (stream) {
          await eventually('all of the stream is read', () => stream.isOver);
          expect(stream.events.at(-1)).toMatchObject({ event: 'end', data: { reason: 'restart' } });
        }
        return tookMs < MARGIN_MS;
      };
      await eventually('one ends in time', stop, PATIENCE_MS);
    },
  );

  it('finishes an attempt that is made at once, within a workflow task', async () => {
    const { role } = await start('worker');
    const { client } = await stack.project({ policy: { ...policy, timeoutMs: 60_000 } });
    await makeWebhook(client, receiver.url);
    const describe = (id: string) =>
      stack.temporal(({ workflow }) => workflow.getHandle(`delivery/${id}`).describe());
    // To one that was not known to be quick an attempt is an activity.
    const { id, answer, before } = await eventually('one is made at once', async () => {
      receiver.respondWith(200);
      await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
      const made = { answer: holdAnswers(), before: receiver.requests.length };
      const posted = await postEvent(client);
      await receiver.waitFor(made.before + 1);
      const { raw } = await describe(posted);
      if ((raw.pendingActivities ?? []).length === 0) return { ...made, id: posted };
      made.answer();
      await deliveryWith(client, posted, { status: 'succeeded' });
      return false;
    });
    const ended = role.end('SIGTERM');
    await role.logged('draining');
    answer();
    expect(await ended).toBe(0);
    expect((await client.get(`/v1/deliveries/${id}`)).body.data).toMatchObject({
      status: 'succeeded',
      attemptCount: 1,
    });
    expect(receiver.requests).toHaveLength(before + 1);
    // Its workflow has ended too: nothing was left to another worker.
    expect((await describe(id)).status.name).toBe('COMPLETED');
  });

  it.each(['worker', 'all'] as const)(
    'as %s makes no further attempt, and finishes the one in progress',
    async (name) => {
      const { role, port, metricsPort } = await start(name);
      const { client } = await stack.project({ policy });
      await makeWebhook(client, receiver.url);
      const answer = holdAnswers();
      const id = await postEvent(client);
      await receiver.waitFor(1);
      await silentConnections(metricsPort);
      if (name === 'all') await silentConnections(port);

      const stopped = msUntilStopped(role);
      // Until Core knows it, one that polls may still be given something.
      await role.logged(DRAINING);
      const later = await post(client);
      answer();
      expect(await stopped).toBeLessThan(policy.timeoutMs + MARGIN_MS);

      await deliveryWith(client, id, { status: 'succeeded', attemptCount: 1 });
      expect(receiver.requests).toHaveLength(1);
      const { body } = await client.get(`/v1/events/${later}`);
      expect(body.data.deliveries).toEqual([]);
    },
  );

  it.each(['workflow', 'express'])(
    'as api starts what it has accepted, in %s, before it ends',
    async (dispatch) => {
      // What a busy Temporal does not take soon is left to reconcile, but not each time.
      await eventually(
        'all have started',
        async () => {
          const { role, port } = await start('api');
          const { id } = await stack.project({ dispatch });
          const { key } = await stack.client(id, 'owner');
          const client = new ApiClient(`http://127.0.0.1:${port}`, key);
          // More than start at a time.
          const events = Array.from({ length: 12 }, () => ({
            type: 'email.sent',
            data: emailSent,
          }));
          const { status, body } = await client.post('/v1/events/batch', { events });
          expect(status).toBe(202);
          if ((await msUntilStopped(role)) >= MARGIN_MS) return false;
          if (role.log().includes('left to reconcile')) return false;
          const workflowIds: string[] =
            dispatch === 'express'
              ? [`courier/${id}`]
              : body.data.events.map((event: { id: string }) => `event/${event.id}`);
          await stack.temporal(async ({ workflow }) => {
            for (const workflowId of workflowIds) {
              expect((await workflow.getHandle(workflowId).describe()).status.name).toBe('RUNNING');
            }
          });
          return true;
        },
        PATIENCE_MS,
      );
    },
  );

  it('finishes an answer that takes a while', async () => {
    const { role, port } = await start('all');
    const { id } = await stack.project({ profile: 'emailsendx', plan: 'pro' });
    const { key } = await stack.client(id, 'owner');
    const answer = holdAnswers();
    const client = new ApiClient(`http://127.0.0.1:${port}`, key);
    const created = client.post('/v1/webhooks', { name: 'x', url: receiver.url, events: ['*'] });
    await receiver.waitFor(1);
    const stopped = msUntilStopped(role);
    await role.logged('draining');
    answer();
    expect(await stopped).toBeLessThan(30_000);
    expect((await created).body).toMatchObject({ data: { ping: { outcome: 'succeeded' } } });
  });

  it('waits for no room for what a bulk replay has still to queue', async () => {
    const stop = async (): Promise<boolean> => {
      const { role } = await start('worker');
      const { client, id: projectId } = await stack.project({ dispatch: 'express', policy });
      const { id } = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 0.1 } });
      const since = new Date(Date.now() - 60_000).toISOString();
      await client.patch(`/v1/webhooks/${id}`, { isActive: false });
      // More than may be queued.
      for (const n of [500, 100]) {
        const events = Array.from({ length: n }, () => ({ type: 'email.sent', data: emailSent }));
        expect((await client.post('/v1/events/batch', { events })).status).toBe(202);
      }
      const deliveries = stack.store.deliveries.model;
      await eventually('all are skipped', async () => {
        return (await deliveries.countDocuments({ projectId, status: 'skipped' })) === 600;
      });
      await client.patch(`/v1/webhooks/${id}`, { isActive: true });
      const until = new Date(Date.now() + 1000).toISOString();
      const replay = (await client.post('/v1/replays', { since, until })).body.data;
      await stack.temporal(({ workflow }) =>
        eventually('a batch waits for room', async () => {
          const { raw } = await workflow.getHandle(replayWorkflowId(replay.id)).describe();
          const { data } = (await client.get(`/v1/replays/${replay.id}`)).body;
          return data.replayed >= 500 && raw.pendingActivities?.[0]?.lastHeartbeatTime != null;
        }),
      );
      return (await msUntilStopped(role)) < MARGIN_MS;
    };
    await eventually('one ends in time', stop, PATIENCE_MS);
  });

  it.each(['worker', 'all'] as const)(
    'as %s serves its metrics, and is not ready, until its last attempt has ended',
    async (name) => {
      const { role, metricsPort } = await start(name);
      const { client } = await stack.project({ policy: { ...policy, timeoutMs: 60_000 } });
      await makeWebhook(client, receiver.url);
      const answerIt = holdAnswers();
      await post(client);
      await receiver.waitFor(1);
      const stopped = msUntilStopped(role);
      await role.logged('draining');
      const ask = (path: string) => fetch(`http://127.0.0.1:${metricsPort}${path}`);
      expect((await ask('/metrics')).status).toBe(200);
      const readyz = await ask('/readyz');
      expect([readyz.status, await readyz.text()]).toEqual([
        503,
        expect.stringMatching('draining'),
      ]);
      answerIt();
      await stopped;
    },
  );

  // Last, since the events that they leave would keep the workers of other tests busy.
  it('ends although a client does not read its answer', async () => {
    const { client } = await stack.project();
    const large = { type: 'contact.created', data: { note: 'x'.repeat(200_000) } };
    for (let n = 0; n < 5; n += 1) await post(client, large);
    const key = `Authorization: Bearer ${client.key}`;
    const list = `GET /v1/events?include=data HTTP/1.1\r\nHost: a\r\n${key}\r\n\r\n`;
    const stop = async (): Promise<boolean> => {
      const { role, port } = await start('api');
      // More than the system buffers for a connection that is not read.
      const socket = await say(port, list.repeat(20));
      socket.pause();
      await once(socket, 'readable');
      return (await msUntilStopped(role)) < 10_000 + MARGIN_MS;
    };
    await eventually('one ends in time', stop, PATIENCE_MS);
  });

  it('answers what it has been asked, under load, and nothing is lost', async () => {
    const stop = async (): Promise<boolean> => {
      const { role, port } = await start('api');
      const { client: own } = await stack.project({ policy });
      const client = new ApiClient(`http://127.0.0.1:${port}`, own.key);
      const state = { isStopping: false };
      const accepted: string[] = [];
      const refusals: unknown[] = [];
      const postOn = async (): Promise<void> => {
        while (!state.isStopping) {
          const answer = await client
            .post('/v1/events', { type: 'email.sent', data: emailSent })
            .catch((error: unknown) => error as Error);
          if (answer instanceof Error) {
            if (!state.isStopping) refusals.push(answer);
          } else if (answer.status === 202) accepted.push(answer.body.data.id as string);
          else refusals.push(answer.status);
        }
      };
      const posting = Array.from({ length: 8 }, postOn);
      while (accepted.length < 50) await sleep(10);
      await silentConnections(port);
      // Before, a machine that stands still may have some refused.
      refusals.length = 0;
      const stopped = msUntilStopped(role);
      state.isStopping = true;
      const tookMs = await stopped;
      await Promise.all(posting);
      expect(refusals).toEqual([]);
      const stored = await stack.store.events.model.countDocuments({ _id: { $in: accepted } });
      expect(stored).toBe(accepted.length);
      return tookMs < MARGIN_MS;
    };
    await eventually('one ends in time', stop, PATIENCE_MS);
  });
});
