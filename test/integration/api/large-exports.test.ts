import { once } from 'node:events';
import type { Socket } from 'node:net';
import { newId } from '../../../src/contracts/ids';
import { metrics } from '../../../src/metrics';
import type { ApiClient } from '../../support/api-client';
import { say } from '../../support/connections';
import { eventually } from '../../support/eventually';
import type { Stack } from '../../support/stack';
import { useStack } from '../../support/use';
import { linesOf, receive } from './exported';
import { expectRefusal } from './refusal';

const stack = useStack({}, { worker: false });
const expiresAt = new Date(Date.now() + 3_600_000);

describe('a client that exports much', () => {
  const EVENTS = 200;
  const note = 'x'.repeat(255 * 1024);
  const SEND_MS = 10_000;
  /** Cuts off whoever reads nothing for so long; at the other one nobody is while a test's machine stands still. */
  const impatient = useStack(
    { POSTHORN_SEND_TIMEOUT_SECONDS: String(SEND_MS / 1000) },
    { worker: false },
  );
  let client: ApiClient;
  let hurried: ApiClient;
  const sockets: Socket[] = [];
  const path = '/v1/events/export?include=data';
  /** Begins an export, and reads nothing but its beginning. */
  const begin = async ({ key, url }: ApiClient): Promise<Socket> => {
    const headers = `Host: a\r\nConnection: close\r\nAuthorization: Bearer ${key}`;
    const head = `GET ${path} HTTP/1.1\r\n${headers}\r\n\r\n`;
    const socket = await say(Number(new URL(url).port), head);
    sockets.push(socket);
    await once(socket, 'readable');
    expect(String(socket.read(12))).toBe('HTTP/1.1 200');
    return socket;
  };
  /** The owner of a project with so many events. */
  const populated = async (of: Stack): Promise<ApiClient> => {
    const { id: projectId, client: owner } = await of.project();
    const at = new Date();
    const events = Array.from({ length: EVENTS }, () => ({
      _id: newId('event'),
      projectId,
      type: 'contact.created',
      createdAt: at,
      acceptedAt: at,
      fannedOutAt: at,
      body: `{"type":"contact.created","data":{"note":"${note}"}}`,
      expiresAt,
    }));
    await of.store.events.model.insertMany(events);
    return owner;
  };
  beforeAll(async () => {
    client = await populated(stack);
    hurried = await populated(impatient);
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

  /** Counts the pages that are read. */
  const pagesRead = ({ store }: Stack): jest.SpyInstance => jest.spyOn(store.events, 'list');
  const isFree = (of: ApiClient) => async (): Promise<boolean> =>
    (await of.get('/v1/events/export?limit=1')).status === 200;
  const nothingHeld = async (): Promise<boolean> =>
    /bytes 0$/m.test(await metrics.getSingleMetricAsString('posthorn_http_held_bytes'));

  it('and reads nothing of it is cut off, and nothing is read for it any more', async () => {
    const list = pagesRead(impatient);
    const begun = [await begin(hurried), await begin(hurried)];
    await eventually('both are over', nothingHeld);
    await eventually('their places are free', isFree(hurried));
    const calls = list.mock.calls.length;
    list.mockRestore();
    // Fifty pages of four events each: all that is read is what the system buffers for two connections.
    expect(calls).toBeLessThan(60);
    for (const one of begun) {
      one.resume();
      if (!one.destroyed) await new Promise((resolve) => one.once('close', resolve));
      expect(one.bytesRead).toBeLessThan(EVENTS * note.length);
    }
  });

  it('has two in progress, which nobody else waits for, and by going away frees their places', async () => {
    const begun = [await begin(client), await begin(client)];
    const third = await client.get(path);
    expectRefusal(third, 'rate_limited');
    expect(third.headers.get('retry-after')).toBe('5');
    expect(third.body.error.message).toContain('2 exports of this project are in progress');
    // Neither another project's nor another request of this one waits for them.
    const { client: neighbour } = await stack.project();
    expect((await neighbour.get('/v1/events/export')).status).toBe(200);
    expect((await client.get('/v1/webhooks')).status).toBe(200);
    for (const one of begun) one.destroy();
    await eventually('both are over', nothingHeld);
    await eventually('their places are free', isFree(client));
  });

  it('may be slow, if it reads', async () => {
    const socket = await begin(hurried);
    const beganAt = performance.now();
    const reading = setInterval(() => socket.read(200_000), 50);
    let tail = '';
    socket.on('data', (part: Buffer) => (tail = (tail + part.toString('latin1')).slice(-100)));
    socket.pause();
    const isThrough = (): boolean => tail.includes(`X-Export-Count: ${EVENTS}`);
    await eventually('it has everything', isThrough, 200_000);
    clearInterval(reading);
    expect(socket.bytesRead).toBeGreaterThan(EVENTS * note.length);
    expect(performance.now() - beganAt).toBeGreaterThan(SEND_MS);
  });

  it('gets all of it, a page at a time', async () => {
    const list = pagesRead(stack);
    const { text, isComplete } = await receive(client, path);
    expect(isComplete).toBe(true);
    expect(linesOf(text)).toHaveLength(EVENTS);
    expect(list.mock.calls.length).toBeGreaterThanOrEqual(EVENTS / 4);
    list.mockRestore();
  });
});
