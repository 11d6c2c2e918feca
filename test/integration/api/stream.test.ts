import { connect } from 'node:net';
import { once } from 'node:events';
import { CatchingUp } from '../../../src/api/stream/catching-up';
import { newId } from '../../../src/contracts/ids';
import { ChangesFrom, DeliveryChanges } from '../../../src/store/delivery-changes';
import { Browser } from '../../support/browser';
import { deliveryWith, makeWebhook, postEvent } from '../../support/deliveries';
import { EventStream, type StreamEvent } from '../../support/event-stream';
import { eventually, PATIENCE_MS } from '../../support/eventually';
import { useReceiver, useStack } from '../../support/use';
import type { ApiClient } from '../../support/api-client';
import { insertDeliveries, insertDelivery } from './insert';
import { expectRefusal } from './refusal';

// However long a busy machine takes to find what readers have missed.
beforeAll(() => {
  jest.replaceProperty(CatchingUp, 'waitMs', PATIENCE_MS);
  jest.replaceProperty(DeliveryChanges, 'missedWithinMs', PATIENCE_MS);
});

const stack = useStack();
const receiver = useReceiver();
const streams: EventStream[] = [];
afterEach(() => streams.splice(0).forEach((stream) => stream.close()));

async function open(
  { key }: { key: string },
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const stream = await EventStream.open(stack.url, { authorization: `Bearer ${key}`, ...headers });
  streams.push(stream);
  return stream;
}

/** One that is ready. */
async function follow(client: ApiClient, headers: Record<string, string> = {}) {
  const stream = await open(client, headers);
  expect(stream.status).toBe(200);
  await stream.next('ready');
  return stream;
}

const change = (_id: string, attemptCount: number): Promise<unknown> =>
  stack.store.deliveries.model.updateOne({ _id }, { $set: { attemptCount } });

describe('the stream', () => {
  it('shows a delivery as a list does, each time that it changes, and no other project’s', async () => {
    const { client } = await stack.project();
    const other = await stack.project();
    const [own, others] = await Promise.all([follow(client), follow(other.client)]);
    expect(own.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(own.headers.get('cache-control')).toBe('no-store');
    await makeWebhook(client, receiver.url);
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    const { data } = await own.next('delivery', (one) => one.data.status === 'succeeded');
    const { deliveries } = (await client.get('/v1/deliveries')).body.data;
    expect(data).toEqual(deliveries[0]);
    const shown = own.events
      .filter(({ event }) => event === 'delivery')
      .map((one) => one.data.status);
    expect(shown.lastIndexOf('pending')).toBeLessThan(shown.indexOf('succeeded'));
    await makeWebhook(other.client, receiver.url);
    const othersId = await postEvent(other.client);
    await others.next('delivery', (one) => one.data.id === othersId);
    expect(JSON.stringify(own.events)).not.toContain(othersId);
    expect(JSON.stringify(others.events)).not.toContain(id);
  });

  it('continues after Last-Event-ID with everything that was missed', async () => {
    const { id: projectId, client } = await stack.project();
    const fields = { projectId, webhookId: newId('webhook'), eventId: newId('event') };
    const before = await insertDelivery(stack, { ...fields, status: 'failed' });
    const first = await follow(client);
    await change(before, 2);
    // What is told of its making may show the change, which would be told again behind that: not behind another's.
    const last = await insertDelivery(stack, { ...fields, webhookId: newId('webhook') });
    const isLast = ({ data }: StreamEvent) => data.id === last;
    await first.next('delivery', isLast);
    expect(first.events.some(({ data }) => data.id === before && data.attemptCount === 2)).toBe(
      true,
    );
    await eventually('its position is told', () =>
      first.events.slice(first.events.findIndex(isLast)).some(({ id }) => id !== undefined),
    );
    first.close();
    const missed = await insertDelivery(stack, {
      ...fields,
      webhookId: newId('webhook'),
      status: 'failed',
    });
    const foreign = { ...fields, projectId: newId('project'), webhookId: newId('webhook') };
    await insertDelivery(stack, { ...foreign, status: 'failed' });
    const again = await open(client, { 'last-event-id': first.lastEventId });
    await again.next('ready');
    // It may be told twice, and nothing else is.
    const told = again.events.map(({ event, data }) => [event, data.id]);
    expect(told.at(-1)).toEqual(['ready', undefined]);
    expect(new Set(told.slice(0, -1).map(String))).toEqual(new Set([`delivery,${missed}`]));
    await change(before, 3);
    await again.next('delivery', ({ data }) => data.id === before && data.attemptCount === 3);
  });

  it.each([
    ['is none', 'nonsense'],
    ['is hexadecimal, and none', 'ABCDEF'],
    ['is another kind of value', '{"$gt":""}'],
    // MongoDB's own, which names a delivery.
    ['was not made by Posthorn', '826747AC00000000012B042C0100296E5A10'],
    ['is sealed with another key', `0123abcd.${Buffer.alloc(150).toString('base64')}`],
  ])('asks for the list again where the position %s', async (_what, position) => {
    const { client } = await stack.project();
    const stream = await open(client, { 'last-event-id': position });
    expect((await stream.next('reload')).data).toEqual({ reason: 'missed' });
    await stream.next('ready');
  });

  it('has positions that tell nothing, and can’t be changed', async () => {
    const { id: projectId, client } = await stack.project();
    const stream = await follow(client);
    await insertDelivery(stack, { projectId: newId('project') });
    const id = await insertDelivery(stack, { projectId });
    await stream.next('delivery', ({ data }) => data.id === id);
    const positions = stream.events.flatMap((event) => event.id ?? []);
    expect(positions.length).toBeGreaterThan(1);
    for (const position of positions) {
      const texts = (['base64', 'hex'] as const).map((as) => Buffer.from(position, as));
      const box = Buffer.from(position.split('.').at(-1)!, 'base64');
      for (const text of [position, ...texts, box].map(String)) expect(text).not.toContain('dlv_');
    }
    const changed = positions[0]!.replace(/.(?=.{9}$)/, (one) => (one === 'A' ? 'B' : 'A'));
    const again = await open(client, { 'last-event-id': changed });
    expect((await again.next('reload')).data).toEqual({ reason: 'missed' });
  });

  it('misses nothing for whoever comes back while changes are being read', async () => {
    const { id: projectId, client } = await stack.project();
    const other = await stack.project();
    await follow(other.client);
    const first = await follow(client);
    first.close();
    const { deliveries } = stack.store;
    const listChanged = deliveries.listChanged.bind(deliveries);
    let goOn = (): void => {};
    let read: string[] = [];
    const spy = jest.spyOn(deliveries, 'listChanged').mockImplementation(async (ids, ...of) => {
      // Without its project, since it is gone.
      if (read.length === 0 && !of[0].includes(projectId)) {
        read = ids;
        await new Promise<void>((resolve) => (goOn = resolve));
      }
      return listChanged(ids, ...of);
    });
    try {
      await eventually('changes are being read', async () => {
        await insertDelivery(stack, { projectId });
        return read.length > 0;
      });
      const again = await open(client, { 'last-event-id': first.lastEventId });
      goOn();
      await again.next('ready');
      expect(again.events.map(({ data }) => data.id)).toEqual(expect.arrayContaining(read));
    } finally {
      spy.mockRestore();
    }
  });

  it('looks up what was missed for four readers at a time, and tells too much by a reload', async () => {
    const projects = await Promise.all(Array.from({ length: 6 }, () => stack.project()));
    const firsts = await Promise.all(projects.map(({ client }) => follow(client)));
    firsts.forEach((stream) => stream.close());
    const { id: busy } = projects[0]!;
    await insertDeliveries(
      stack,
      Array.from({ length: 201 }, () => ({ projectId: busy })),
    );
    const { deliveryChanges } = stack.store;
    const between = deliveryChanges.between.bind(deliveryChanges);
    const waiting: (() => void)[] = [];
    const spy = jest.spyOn(deliveryChanges, 'between').mockImplementation(async (...given) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return between(...given);
    });
    try {
      const again = await Promise.all(
        projects.map(({ client }, n) => open(client, { 'last-event-id': firsts[n]!.lastEventId })),
      );
      const later = await follow(projects[5]!.client);
      await eventually('four are looked up', () => waiting.length === 4);
      // Those who miss nothing are not held up.
      await insertDelivery(stack, { projectId: projects[5]!.id });
      await later.next('delivery');
      expect(waiting).toHaveLength(4);
      await eventually('all have been looked up', () => {
        waiting.splice(0).forEach((goOn) => goOn());
        return again.every(({ events }) => events.some(({ event }) => event === 'ready'));
      });
      const told = again.map(({ events }) => events.filter(({ event }) => event === 'reload'));
      expect(told.map((reloads) => reloads.map(({ data }) => data.reason))).toEqual([
        ['many'],
        [],
        [],
        [],
        [],
        [],
      ]);
    } finally {
      spy.mockRestore();
    }
  });

  it('asks for the list again where more changes at once than is worth telling', async () => {
    const { id: projectId, client } = await stack.project();
    const stream = await follow(client);
    const { model } = stack.store.deliveries;
    const like = await insertDelivery(stack, {
      projectId,
      webhookId: newId('webhook'),
      eventId: newId('event'),
      status: 'failed',
    });
    const delivery = (await model.findById(like).lean())!;
    // Those that MongoDB hands over late are shown with the next ones.
    const reload = await eventually('the list has to be loaded again', async () => {
      await model.insertMany(
        Array.from({ length: 300 }, () => ({
          ...delivery,
          _id: newId('delivery'),
          webhookId: newId('webhook'),
        })),
      );
      return stream.events.find(({ event }) => event === 'reload');
    });
    expect(reload.data).toEqual({ reason: 'many' });
  });

  it('is read with sessions and portal links, and not by senders or without a project', async () => {
    const { id, client } = await stack.project();
    const browser = new Browser(stack.url);
    await browser.signIn({ key: client.key });
    const byCookie = await EventStream.open(stack.url, { cookie: browser.cookie });
    streams.push(byCookie);
    await byCookie.next('ready');
    const link = await client.post('/v1/portal-links', { capabilities: 'read' });
    await follow({ key: link.body.data.token } as ApiClient);
    await follow(stack.admin, { 'x-project-id': id });
    await follow(await stack.client(id, 'reader'));
    const sender = await stack.client(id, 'sender');
    expectRefusal(await sender.get('/v1/stream'), 'forbidden');
    expectRefusal(await stack.admin.get('/v1/stream'), 'validation_failed', ['x-project-id']);
    expectRefusal(await client.get('/v1/stream?since=x'), 'validation_failed', ['since']);
    const head = await client.send('HEAD', '/v1/stream');
    expect([head.status, head.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    const foreign = { cookie: browser.cookie, origin: 'https://evil.example' };
    const refused = await EventStream.open(stack.url, foreign);
    expect(refused.status).toBe(403);
  });

  it('ends when its key is revoked, its session is signed out, or its link revoked', async () => {
    const { id, client } = await stack.project();
    const made = await client.post(`/v1/projects/${id}/keys`, { name: 'Reads', role: 'reader' });
    const byKey = await follow({ key: made.body.data.key } as ApiClient);
    const browser = new Browser(stack.url);
    await browser.signIn({ key: client.key });
    const bySession = await EventStream.open(stack.url, { cookie: browser.cookie });
    streams.push(bySession);
    const link = await client.post('/v1/portal-links', { capabilities: 'read' });
    const byLink = await follow({ key: link.body.data.token } as ApiClient);
    const stays = await follow(client);
    await client.delete(`/v1/projects/${id}/keys/${made.body.data.id}`);
    await browser.send('DELETE', '/dashboard/session');
    await client.delete('/v1/portal-links');
    for (const stream of [byKey, bySession, byLink]) {
      expect((await stream.next('end')).data).toEqual({ reason: 'unauthorized' });
      await eventually('it is over', async () => stream.isOver);
    }
    expect([stays.isOver, stays.events.some(({ event }) => event === 'end')]).toEqual([
      false,
      false,
    ]);
  });

  it('is open fifty times with one key, and its places are free again when clients go', async () => {
    const { client } = await stack.project();
    const opened = await Promise.all(Array.from({ length: 50 }, () => open(client)));
    expect(opened.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expectRefusal(await client.get('/v1/stream'), 'rate_limited');
    // Nor do they take the turns of other reads.
    expect((await client.get('/v1/deliveries')).status).toBe(200);
    opened[0]!.close();
    await eventually('there is a place', async () => (await open(client)).status === 200);
  });

  it('disconnects whoever does not read it', async () => {
    const { id: projectId, client } = await stack.project();
    const { port } = new URL(stack.url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.write(
      `GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${client.key}\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.pause();
    let isGone = false;
    socket.once('close', () => (isGone = true));
    const reads = await follow(client);
    const ids: string[] = [];
    for (let n = 0; n < 190; n += 1) {
      const fields = { projectId, webhookId: newId('webhook'), eventId: newId('event') };
      ids.push(await insertDelivery(stack, { ...fields, status: 'failed' }));
    }
    const { model } = stack.store.deliveries;
    const long = { $set: { eventType: 'x'.repeat(500) }, $inc: { attemptCount: 1 } };
    await eventually('it is disconnected', async () => {
      for (let n = 0; n < 20; n += 1) await model.updateMany({ _id: { $in: ids } }, long);
      // Whoever doesn't read learns of it by writing.
      socket.write('\r\n');
      return isGone;
    });
    expect(reads.isOver).toBe(false);
    socket.destroy();
  });

  it('says so where there are no change streams, and follows again once there are', async () => {
    const { id: projectId, client } = await stack.project();
    const next = jest
      .spyOn(ChangesFrom.prototype, 'next')
      .mockRejectedValue(new Error('The $changeStream stage is only supported on replica sets'));
    const stream = await open(client);
    expect((await stream.next('reload')).data).toEqual({ reason: 'polling' });
    const before = stream.events.length;
    next.mockRestore();
    await eventually('deliveries are shown again', async () => {
      await insertDelivery(stack, { projectId, status: 'failed' });
      return stream.events.some(({ event }) => event === 'delivery');
    });
    // What came before that is in the list, which is loaded once more.
    expect(stream.events[before]).toMatchObject({ event: 'reload', data: { reason: 'polling' } });
  });
});
