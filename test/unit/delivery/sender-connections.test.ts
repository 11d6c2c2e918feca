import { type AddressInfo, createServer } from 'node:net';
import { systemResolver } from '../../../src/delivery/resolver';
import { eventually } from '../../support/eventually';
import { NameServer } from '../../support/name-server';
import type { Behaviour, ReceiverOptions } from '../../support/receiver';
import {
  authority,
  createSender,
  PATIENT_MS,
  post,
  SHORT_MS,
  startReceiver,
} from './sender-harness';

/** The second request's timeout, and the receiver's options. */
type SendTwo = ReceiverOptions & { timeoutMs?: number; requests?: number };

describe('a request that may no longer be sent', () => {
  it.each<[string, ReceiverOptions]>([
    ['a connection', {}],
    ['a handshake', { tls: authority.serverCertificate() }],
  ])('is not, after %s', async (_what, options) => {
    const receiver = await startReceiver(200, options);
    const sent = createSender().send({ ...post(receiver.url), mayStillSend: () => false });
    await expect(sent).rejects.toThrow('nothing was sent');
    await receiver.waitFor(() => receiver.connections === 1 && receiver.openConnections === 0);
    expect(receiver.requests).toEqual([]);
  });
});

describe('the timeout', () => {
  it.each<[string, Behaviour, string]>([
    ['before the answer', { kind: 'hang' }, 'while waiting for the answer'],
    ['within the answer', { kind: 'drip' }, 'while reading the answer'],
  ])('cuts an exchange %s, and its connection', async (_case, behaviour, where) => {
    // What times out while the machine stands still is sent again.
    const { receiver, result } = await eventually(
      'it comes so far, and is cut, in time',
      async () => {
        const asked = await startReceiver(behaviour);
        const cut = await createSender().send(post(asked.url, { timeoutMs: SHORT_MS }));
        const isAnswered = cut.statusCode === 200 || where === 'while waiting for the answer';
        const isInTime = asked.requests.length === 1 && cut.durationMs < PATIENT_MS;
        return isAnswered && isInTime && { receiver: asked, result: cut };
      },
    );
    expect(result).toMatchObject({
      kind: 'error',
      errorCode: 'timeout',
      errorMessage: `timed out after ${SHORT_MS} ms ${where}`,
    });
    expect(result.durationMs).toBeGreaterThanOrEqual(SHORT_MS - 1);
    await receiver.waitFor(() => receiver.openConnections === 0);
  });

  it.each([7997, 7998, 7999])(
    'may be any number of milliseconds, such as %d',
    async (timeoutMs) => {
      const receiver = await startReceiver();
      const result = await createSender().send(post(receiver.url, { timeoutMs }));
      expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
    },
  );

  it('measures an exchange from when its attempt began', async () => {
    const receiver = await startReceiver();
    const beganAt = performance.now() - PATIENT_MS;
    const result = await createSender().send({ ...post(receiver.url), beganAt });
    expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
    expect(result.durationMs).toBeGreaterThanOrEqual(PATIENT_MS);
  });

  it('shows how much of the answer had arrived', async () => {
    const receiver = await startReceiver({ kind: 'drip' });
    const result = await eventually('some has arrived in time', async () => {
      const cut = await createSender().send(post(receiver.url, { timeoutMs: SHORT_MS }));
      return cut.body !== undefined && cut.body !== '' && cut;
    });
    expect(result).toMatchObject({ kind: 'error', statusCode: 200 });
    expect(result.body).toMatch(/^\.+$/);
  });

  it('counts the time to connect', async () => {
    const receiver = await startReceiver(200, { tls: 'silent' });
    const result = await createSender().send(post(receiver.url, { timeoutMs: SHORT_MS }));
    expect(result).toMatchObject({
      errorCode: 'timeout',
      errorMessage: `timed out after ${SHORT_MS} ms while connecting`,
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
    // The resolver has less time for a name than the machine may stand still.
    await eventually('a healthy one is answered meanwhile', async () => {
      nameServer.asked.length = 0;
      const silent = Array.from({ length: 300 }, (_, n) =>
        sender.send(post(`http://hooks.silent${n}.example/`, { timeoutMs: SHORT_MS })),
      );
      // So many queries at once overflow a socket's buffer: another one behind them would be lost.
      await eventually('those that are not lost are read', () => nameServer.asked.length > 0);
      const healthy = await sender.send(post(`http://healthy.example:${receiver.port}/`));
      for (const result of await Promise.all(silent)) {
        expect(result).toMatchObject({ errorCode: 'timeout' });
      }
      return healthy.statusCode === 200;
    });
    await nameServer.close();
  });

  it('is not used up by a name server that never answers for IPv6', async () => {
    const receiver = await startReceiver();
    const nameServer = await NameServer.start((_name, type) =>
      type === 'A' ? { A: ['127.0.0.1'] } : 'silent',
    );
    const resolve = systemResolver({ nameServers: [nameServer.address], hostsFile: '' });
    const url = `http://hooks.example:${receiver.port}/`;
    // Less than the resolver has for a name: on a busy machine not each time.
    await eventually('it is answered in time', async () => {
      const sent = await createSender({ resolve }).send(post(url, { timeoutMs: 4500 }));
      return sent.kind === 'response' && sent.statusCode === 200;
    });
    await nameServer.close();
  });

  it('keeps a request from being sent after it', async () => {
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    const receiver = await startReceiver({ kind: 'answer', status: 200, after });
    const sender = createSender({ maxConnectionsPerOrigin: 1 });
    const first = sender.send(post(`${receiver.url}/first`, { timeoutMs: 60_000 }));
    await receiver.waitFor(1);
    const waiting = await sender.send(post(`${receiver.url}/waiting`, { timeoutMs: SHORT_MS }));
    expect(waiting).toMatchObject({ errorCode: 'timeout' });
    answer();
    expect(await first).toMatchObject({ statusCode: 200 });
    await sender.send(post(`${receiver.url}/later`));
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/first', '/later']);
  });
});

describe('connections', () => {
  it('are used again', async () => {
    // One is given up while the machine stands still for a second, but not each time.
    await eventually('they are', async () => {
      const receiver = await startReceiver();
      const sender = createSender();
      for (let n = 0; n < 20; n++) await sender.send(post(receiver.url));
      // A connection rests for one turn of the event loop, and meanwhile another one takes over.
      return receiver.connections <= 2;
    });
  });

  it('are no more than allowed, and none carries two requests at a time', async () => {
    // One is given up while the machine stands still for a second, but not each time.
    await eventually('they are as many', async () => {
      const receiver = await startReceiver({ kind: 'answer', status: 200, delayMs: 5 });
      const sender = createSender({ maxConnectionsPerOrigin: 3 });
      const sending = Array.from({ length: 20 }, () => sender.send(post(receiver.url)));
      for (const result of await Promise.all(sending)) {
        expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
      }
      return receiver.connections === 3;
    });
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

  it('are not used again once they are a minute old', async () => {
    const receiver = await startReceiver();
    const now = performance.now.bind(performance);
    // Each request takes a minute.
    const clock = jest
      .spyOn(performance, 'now')
      .mockImplementation(() => now() + 60_000 * receiver.requests.length);
    try {
      const sender = createSender();
      for (let n = 0; n < 5; n++) await sender.send(post(receiver.url));
      expect(receiver.connections).toBe(5);
    } finally {
      clock.mockRestore();
    }
  });

  it('are given up soon when they are idle', async () => {
    const receiver = await startReceiver();
    await createSender().send(post(receiver.url));
    expect(receiver.openConnections).toBe(1);
    await receiver.waitFor(() => receiver.openConnections === 0);
  });
});

describe('close', () => {
  it('lets running exchanges end, then closes their connections', async () => {
    // Which would have it kept for four seconds.
    const headers = { 'Keep-Alive': 'timeout=60' };
    // At once, not only when they have been idle for too long: not each time where the machine stands still.
    await eventually('they are closed at once', async () => {
      const receiver = await startReceiver({ kind: 'answer', status: 200, headers, delayMs: 50 });
      const sender = createSender();
      const sending = sender.send(post(receiver.url));
      await receiver.waitFor(1);
      await sender.close();
      expect(await sending).toMatchObject({ kind: 'response', statusCode: 200 });
      return receiver
        .waitFor(() => receiver.openConnections === 0, 3000)
        .then(
          () => true,
          () => false,
        );
    });
  });
});

describe('a connection that the receiver has closed while it was idle', () => {
  /**
   * Sends a request that is answered, and another one on its connection, which is kept for a second: again where the
   * machine stood still meanwhile, or in the second exchange.
   * @param behaviours of the receiver from the second request on, and then 200
   * @param requests how many come in time
   */
  function sendTwo(
    behaviours: Behaviour[],
    { timeoutMs = PATIENT_MS, requests = 0, ...options }: SendTwo = {},
  ) {
    return eventually('the connection is used again', async () => {
      const receiver = await startReceiver(200, options);
      let connections = 0;
      receiver.respondWith((_request, n) => {
        if (n === 2) ({ connections } = receiver);
        return behaviours[n - 2] ?? 200;
      });
      const sender = createSender();
      const first = await sender.send(post(receiver.url));
      const second = await sender.send(post(receiver.url, { timeoutMs }));
      const isInTime = receiver.requests.length >= requests && second.durationMs < PATIENT_MS;
      return connections === 1 && isInTime && { receiver, sender, first, second };
    });
  }

  it.each<[string, Behaviour, ReceiverOptions | undefined]>([
    ['closed', { kind: 'close' }, undefined],
    ['reset', { kind: 'reset' }, undefined],
    ['closed within TLS', { kind: 'close' }, { tls: authority.serverCertificate() }],
    ['reset within TLS', { kind: 'reset' }, { tls: authority.serverCertificate() }],
  ])('costs no attempt: it is sent again on a fresh one when %s', async (_case, ends, options) => {
    const { receiver, first, second } = await sendTwo([ends], options);
    expect(first).not.toHaveProperty('resent');
    expect(second).toMatchObject({ kind: 'response', statusCode: 200, resent: true });
    expect(receiver.requests).toHaveLength(3);
    expect(receiver.connections).toBe(2);
  });

  it('is replaced once', async () => {
    const { receiver, second } = await sendTwo([{ kind: 'close' }, { kind: 'close' }]);
    expect(second).toMatchObject({ errorCode: 'connection_reset', resent: true });
    expect(receiver.requests).toHaveLength(3);
  });

  it('gives the second request what is left of the attempt’s time', async () => {
    const ends: Behaviour[] = [{ kind: 'close' }, { kind: 'hang' }];
    const { second } = await sendTwo(ends, { timeoutMs: SHORT_MS, requests: 3 });
    expect(second).toMatchObject({ errorCode: 'timeout', resent: true });
  });

  it('is not replaced when a byte of the answer has come, or it carried nothing before', async () => {
    const { receiver, sender, second } = await sendTwo([{ kind: 'raw', bytes: 'H' }]);
    expect(second).toMatchObject({ errorCode: 'connection_reset' });
    expect(second).not.toHaveProperty('resent');
    const fresh = await startReceiver({ kind: 'close' });
    expect(await sender.send(post(fresh.url))).not.toHaveProperty('resent');
    expect([receiver.requests.length, fresh.requests.length]).toEqual([2, 1]);
  });

  it.each([
    ['an answer', 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'],
    ['anything', 'goodbye'],
  ])('has a last word that is not an answer to the next request: %s', async (_case, lastWord) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => socket.end(lastWord));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sender = createSender();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (let n = 0; n < 60; n += 1) {
      const answer = await sender.send(post(url));
      expect(answer).toMatchObject({ statusCode: 200, body: 'ok' });
      // It said so before anything was sent there.
      expect(answer).not.toHaveProperty('resent');
    }
    server.close();
  });
});
