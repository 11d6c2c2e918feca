import { once } from 'node:events';
import type { Socket } from 'node:net';
import { BATCH_LIMIT, BODY_LIMIT } from '../../../src/api/http/body';
import { metrics } from '../../../src/metrics';
import type { AuditAction } from '../../../src/store/audit';
import type { ApiClient } from '../../support/api-client';
import { say } from '../../support/connections';
import { makeWebhook } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';

/** Reads of a project that are worked at at a time. */
const READS_AT_A_TIME = 10;
const COUNTS_AT_A_TIME = 2;
const READS = 60;
const COUNTS = 15;

describe('the work for one project', () => {
  const stack = useStack(
    { POSTHORN_RATE_LIMIT_PER_MINUTE: '100000', POSTHORN_MAX_HELD_MIB: '64' },
    { worker: false },
  );
  let id: string;
  let client: ApiClient;

  beforeEach(async () => {
    ({ id, client } = await stack.project({ policy: { maxWebhooks: COUNTS } }));
  });
  afterEach(() => jest.restoreAllMocks());

  /** Lets those that wait go one after another. @returns how many there were at most */
  const drain = async (waiting: (() => void)[], count: number): Promise<number> => {
    let most = 0;
    for (let done = 0; done < count; done += 1) {
      const next = await eventually('another is worked at', () => waiting.shift());
      most = Math.max(most, waiting.length + 1);
      next();
    }
    return most;
  };

  it('has ten reads at a time, in turn; its writes, and the reads of others, do not wait', async () => {
    const other = await stack.project();
    const { webhooks } = stack.store;
    const waiting: (() => void)[] = [];
    jest.spyOn(webhooks, 'list').mockImplementation(async (...args) => {
      if (args[0] === id) await new Promise<void>((resolve) => waiting.push(resolve));
      return Object.getPrototypeOf(webhooks).list.apply(webhooks, args);
    });
    const answers = Array.from({ length: READS }, () => client.get('/v1/webhooks'));
    await eventually('ten are worked at', () => waiting.length === READS_AT_A_TIME);
    expect((await other.client.get('/v1/webhooks')).status).toBe(200);
    const event = { type: 'email.sent', data: emailSent };
    expect((await client.post('/v1/events', event)).status).toBe(202);
    // A client that disconnects while it waits causes no work, and takes no turn from others.
    const gone = await say(
      Number(new URL(stack.url).port),
      `GET /v1/webhooks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${client.key}\r\n\r\n`,
    );
    gone.destroy();
    expect(waiting).toHaveLength(READS_AT_A_TIME);
    expect(await drain(waiting, READS)).toBeLessThanOrEqual(READS_AT_A_TIME);
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(
      new Set([200]),
    );
    jest.restoreAllMocks();
    expect((await client.get('/v1/webhooks')).status).toBe(200);
  });

  it.each(['/v1/webhooks', '/v1/events?include=data', '/api/webhooks/manage'])(
    'has its reads done although bodies of reads are awaited, or were cut off: %s',
    async (path) => {
      const own = await stack.project({ profile: 'platform' });
      const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${own.client.key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n`;
      const port = Number(new URL(stack.url).port);
      const heldBytes = async () =>
        (await metrics.getSingleMetric('posthorn_http_held_bytes')!.get()).values[0]!.value;
      /** Ten whose bodies may have so many bytes, once all have been read so far. */
      const begin = async (header: string, bytes: number) => {
        const text = `${head}${header}\r\nx`;
        const begun = Array.from({ length: READS_AT_A_TIME }, () => say(port, text));
        await eventually(
          'all have been read so far',
          async () => (await heldBytes()) === READS_AT_A_TIME * bytes,
        );
        return Promise.all(begun);
      };
      const end = async (begun: Promise<Socket[]>) =>
        (await begun).forEach((socket) => socket.destroy());
      await end(
        begin('Content-Encoding: gzip\r\n', path.startsWith('/v1') ? BODY_LIMIT : BATCH_LIMIT),
      );
      await eventually('their bytes are given back', async () => (await heldBytes()) === 0);
      expect((await own.client.get(path)).status).toBe(200);
      const awaited = begin('', 100);
      await awaited;
      expect((await own.client.get(path)).status).toBe(200);
      await end(awaited);
    },
  );

  it('has ten reads of many event types at a time; an event of a few types does not wait', async () => {
    const own = await stack.project({ profile: 'custom' });
    const { eventTypes } = stack.store;
    const waiting: (() => void)[] = [];
    jest.spyOn(eventTypes, 'find').mockImplementation(async (...args) => {
      if (args[1].length > 1) await new Promise<void>((resolve) => waiting.push(resolve));
      return Object.getPrototypeOf(eventTypes).find.apply(eventTypes, args);
    });
    const events = Array.from({ length: 200 }, (_, n) => ({ type: `a.b${n}`, data: {} }));
    const batches = Array.from({ length: 30 }, () =>
      own.client.post('/v1/events/batch', { events }),
    );
    await eventually('ten are worked at', () => waiting.length === READS_AT_A_TIME);
    expect((await own.client.post('/v1/events', events[0]!)).status).toBe(422);
    expect(await drain(waiting, batches.length)).toBeLessThanOrEqual(READS_AT_A_TIME);
    expect((await Promise.all(batches)).map(({ status }) => status)).toEqual(Array(30).fill(422));
  });

  it('has two lists with data at a time, which do not hold up other reads', async () => {
    const waiting: (() => void)[] = [];
    jest.spyOn(stack.store.events, 'list').mockImplementation(async (...args) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return Object.getPrototypeOf(stack.store.events).list.apply(stack.store.events, args);
    });
    const answers = Array.from({ length: 6 }, () => client.get('/v1/events?include=data'));
    await eventually('two are worked at', () => waiting.length === 2);
    expect((await client.get('/v1/events')).status).toBe(200);
    expect(waiting).toHaveLength(2);
    for (let done = 0; done < answers.length; done += 1) {
      expect(waiting.length).toBeLessThanOrEqual(2);
      (await eventually('another is worked at', () => waiting.shift()))();
    }
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(6).fill(200));
  });

  /** Holds up what a model is asked in that way, before MongoDB is asked. */
  const holdUp = (method: 'aggregate' | 'countDocuments'): (() => void)[] => {
    const { model } = stack.store.deliveries;
    const waiting: (() => void)[] = [];
    const ask = model[method].bind(model) as (...args: unknown[]) => { exec: () => unknown };
    jest.spyOn(model, method).mockImplementation(((...args: unknown[]) => {
      const asked = ask(...args);
      const exec = asked.exec.bind(asked);
      asked.exec = async () => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return exec();
      };
      return asked;
    }) as never);
    return waiting;
  };

  /** Resolves when what was done in this way has ended so often, and what follows it has begun. */
  const done = async (spy: Pick<jest.SpyInstance, 'mock'>, count: number): Promise<void> => {
    await eventually('all have come so far', () => spy.mock.calls.length === count);
    await Promise.all(spy.mock.results.map(({ value }) => value as unknown));
    await new Promise(setImmediate);
  };

  it('has two countings of bulk replays, or of what an enabled webhook missed, at a time', async () => {
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/');
    const range = { webhookId, since: '2020-01-01T00:00:00Z', until: '2030-01-01T00:00:00Z' };
    const found = jest.spyOn(stack.store.webhooks, 'get');
    const counted = holdUp('aggregate');
    const replays = Array.from({ length: COUNTS }, (_, n) =>
      client.post('/v1/replays', { ...range, dryRun: n % 2 === 0 }),
    );
    await done(found, COUNTS);
    expect(await drain(counted, COUNTS)).toBeLessThanOrEqual(COUNTS_AT_A_TIME);
    const statuses = (await Promise.all(replays)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(Math.ceil(COUNTS / 2));
    expect(statuses.filter((status) => status === 202)).toHaveLength(Math.floor(COUNTS / 2));

    const ids = [webhookId];
    while (ids.length < COUNTS) {
      ids.push((await makeWebhook(client, `https://example.com/${ids.length}`)).id);
    }
    for (const one of ids) await client.patch(`/v1/webhooks/${one}`, { isActive: false });
    const changed = jest.spyOn(stack.store, 'transaction');
    const missed = holdUp('countDocuments');
    const enabled = ids.map((one) => client.patch(`/v1/webhooks/${one}`, { isActive: true }));
    await done(changed, COUNTS);
    expect(await drain(missed, COUNTS)).toBeLessThanOrEqual(COUNTS_AT_A_TIME);
    for (const { status, body } of await Promise.all(enabled)) {
      expect([status, body.data?.skipped]).toEqual([200, { count: 0, replay: null }]);
    }
  });

  it('counts for one of the admin’s projects beside another', async () => {
    const range = { since: '2020-01-01T00:00:00Z', until: '2030-01-01T00:00:00Z', dryRun: true };
    const projects = [await stack.project(), await stack.project()];
    const counted = holdUp('aggregate');
    const counts = projects.flatMap((project) =>
      Array.from({ length: COUNTS_AT_A_TIME }, () =>
        stack.admin.with({ 'x-project-id': project.id }).post('/v1/replays', range),
      ),
    );
    await eventually('each has its turns', () => counted.length === counts.length);
    for (const goOn of counted) goOn();
    expect((await Promise.all(counts)).map(({ status }) => status)).toEqual(Array(4).fill(200));
  });

  it('makes no bulk replay, and counts nothing, for a client that has gone before its turn', async () => {
    const { id: webhookId } = await makeWebhook(client, 'https://example.com/');
    const range = { webhookId, since: '2020-01-01T00:00:00Z', until: '2030-01-01T00:00:00Z' };
    await client.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
    const found = jest.spyOn(stack.store.webhooks, 'get');
    const counted = holdUp('aggregate');
    const dryRuns = Array.from({ length: COUNTS_AT_A_TIME }, () =>
      client.post('/v1/replays', { ...range, dryRun: true }),
    );
    await eventually('all turns are taken', () => counted.length === COUNTS_AT_A_TIME);
    found.mockClear();
    const ask = (method: string, path: string, body: unknown) => {
      const text = JSON.stringify(body);
      const head = `${method} ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${client.key}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`;
      return say(Number(new URL(stack.url).port), head + text);
    };
    const missed = jest.spyOn(stack.store.deliveries.model, 'countDocuments');
    const changed = jest.spyOn(stack.store, 'transaction');
    const posted = await ask('POST', '/v1/replays', range);
    await done(found, 1);
    const patched = await ask('PATCH', `/v1/webhooks/${webhookId}`, { isActive: true });
    await done(changed, 1);
    for (const gone of [posted, patched]) {
      gone.resume().end();
      await once(gone, 'close');
    }
    const { audit } = stack.store;
    const entries = (action: AuditAction) => audit.model.find({ projectId: id, action }).lean();
    expect(await entries('replay.created')).toMatchObject([{ outcome: 'unknown' }]);
    expect(await drain(counted, COUNTS_AT_A_TIME)).toBe(COUNTS_AT_A_TIME);
    expect((await Promise.all(dryRuns)).map(({ status }) => status)).toEqual(
      Array(COUNTS_AT_A_TIME).fill(200),
    );
    await eventually('the second change is recorded', async () =>
      (await entries('webhook.updated')).every(({ outcome }) => outcome === 'done'),
    );
    await eventually(
      'the refusal is not',
      async () => (await entries('replay.created')).length === 0,
    );
    expect(counted).toEqual([]);
    expect(missed).not.toHaveBeenCalled();
    expect(await stack.store.replays.model.countDocuments({ projectId: id })).toBe(0);
  });
});
