import { systemResolver } from '../../../src/delivery/resolver';
import { NameServer } from '../../support/name-server';
import type { Behaviour } from '../../support/receiver';
import { createSender, PATIENT_MS, post, SHORT_MS, startReceiver } from './sender-harness';

describe('the timeout', () => {
  it.each<[string, Behaviour, string]>([
    ['before the answer', { kind: 'hang' }, 'timed out after 300 ms while waiting for the answer'],
    ['within the answer', { kind: 'drip' }, 'timed out after 300 ms while reading the answer'],
  ])('cuts an exchange %s, and its connection', async (_case, behaviour, errorMessage) => {
    const receiver = await startReceiver(behaviour);
    const sender = createSender();
    const result = await sender.send(post(receiver.url, { timeoutMs: SHORT_MS }));
    expect(result).toMatchObject({ kind: 'error', errorCode: 'timeout', errorMessage });
    expect(result.durationMs).toBeGreaterThanOrEqual(SHORT_MS - 1);
    expect(result.durationMs).toBeLessThan(PATIENT_MS);
    await receiver.waitFor(() => receiver.openConnections === 0);
  });

  it('tells how far the answer had come', async () => {
    const receiver = await startReceiver({ kind: 'drip' });
    const result = await createSender().send(post(receiver.url, { timeoutMs: SHORT_MS }));
    expect(result).toMatchObject({ kind: 'error', statusCode: 200 });
    expect(result.body).toMatch(/^\.+$/);
  });

  it('counts the time to connect', async () => {
    const receiver = await startReceiver(200, { tls: 'silent' });
    const result = await createSender().send(post(receiver.url, { timeoutMs: SHORT_MS }));
    expect(result).toMatchObject({
      errorCode: 'timeout',
      errorMessage: 'timed out after 300 ms while connecting',
    });
  });

  it('counts the time to resolve the name', async () => {
    const sender = createSender({ resolve: () => new Promise(() => {}) });
    const result = await sender.send(post('http://hooks.example/', { timeoutMs: SHORT_MS }));
    expect(result).toMatchObject({ errorCode: 'timeout' });
  });

  it('is spent on a silent name server by its own webhooks alone', async () => {
    const receiver = await startReceiver();
    const nameServer = await NameServer.start((name) =>
      name === 'healthy.example' ? { A: ['127.0.0.1'] } : 'silent',
    );
    const resolve = systemResolver({ nameServers: [nameServer.address], hostsFile: '' });
    const sender = createSender({ resolve });
    const silent = Array.from({ length: 300 }, (_, n) =>
      sender.send(post(`http://hooks.silent${n}.example/`, { timeoutMs: SHORT_MS })),
    );
    const healthy = await sender.send(post(`http://healthy.example:${receiver.port}/`));
    expect(healthy).toMatchObject({ kind: 'response', statusCode: 200 });
    for (const result of await Promise.all(silent)) {
      expect(result).toMatchObject({ errorCode: 'timeout' });
    }
    await nameServer.close();
  });

  it('keeps a request from being sent after it', async () => {
    const receiver = await startReceiver({ kind: 'hang' });
    const sender = createSender({ maxConnectionsPerOrigin: 1 });
    const hanging = sender.send(post(`${receiver.url}/hanging`, { timeoutMs: 2 * SHORT_MS }));
    const waiting = sender.send(post(`${receiver.url}/waiting`, { timeoutMs: SHORT_MS }));
    expect(await waiting).toMatchObject({ errorCode: 'timeout' });
    await hanging;
    receiver.respondWith(200);
    await sender.send(post(`${receiver.url}/later`));
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/hanging', '/later']);
  });
});

describe('connections', () => {
  it('are used again', async () => {
    const receiver = await startReceiver();
    const sender = createSender();
    for (let n = 0; n < 20; n++) await sender.send(post(receiver.url));
    // A connection rests for one turn of the event loop, and meanwhile another one takes over.
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });

  it('are no more than allowed, and none carries two requests at a time', async () => {
    const receiver = await startReceiver({ kind: 'answer', status: 200, delayMs: 5 });
    const sender = createSender({ maxConnectionsPerOrigin: 3 });
    const sending = Array.from({ length: 20 }, () => sender.send(post(receiver.url)));
    for (const result of await Promise.all(sending)) {
      expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
    }
    expect(receiver.connections).toBe(3);
  });

  it('that the receiver closes after its answer fail no later attempt', async () => {
    const receiver = await startReceiver({ kind: 'answer', status: 200, thenClose: true });
    const sender = createSender();
    for (let n = 0; n < 50; n++) {
      expect(await sender.send(post(receiver.url))).toMatchObject({ statusCode: 200 });
    }
    expect(receiver.requests).toHaveLength(50);
  });

  it('are not used again when the receiver keeps them for a moment only', async () => {
    const receiver = await startReceiver(200, { keepAliveTimeoutMs: 1_000 });
    const sender = createSender();
    for (let n = 0; n < 3; n++) await sender.send(post(receiver.url));
    expect(receiver.connections).toBe(3);
  });

  it('are given up soon when they are idle', async () => {
    const receiver = await startReceiver();
    await createSender().send(post(receiver.url));
    expect(receiver.openConnections).toBe(1);
    await receiver.waitFor(() => receiver.openConnections === 0);
  });
});

describe('abort and close', () => {
  it('rejects with the reason of its signal, and drops the connection', async () => {
    const receiver = await startReceiver({ kind: 'hang' });
    const abort = new AbortController();
    const sending = createSender().send(post(receiver.url, { signal: abort.signal }));
    await receiver.waitFor(1);
    const reason = new Error('the worker stops');
    abort.abort(reason);
    await expect(sending).rejects.toBe(reason);
    await receiver.waitFor(() => receiver.openConnections === 0);
  });

  it('sends nothing when the signal is aborted already', async () => {
    const receiver = await startReceiver();
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(createSender().send(post(receiver.url, { signal }))).rejects.toThrow('too late');
    expect(receiver.connections).toBe(0);
  });

  it('lets running exchanges end, then closes their connections', async () => {
    const receiver = await startReceiver({ kind: 'answer', status: 200, delayMs: 50 });
    const sender = createSender();
    const sending = sender.send(post(receiver.url));
    await receiver.waitFor(1);
    await sender.close();
    expect(await sending).toMatchObject({ kind: 'response', statusCode: 200 });
    // At once, not only when they have been idle for too long.
    await receiver.waitFor(() => receiver.openConnections === 0, 500);
  });
});
