import { isDeepStrictEqual } from 'node:util';
import type { HttpSender } from '../../../src/delivery/http';
import { eventually } from '../../support/eventually';
import { selfSignedCertificate } from '../../support/tls-certificates';
import {
  authority,
  createSender,
  post,
  resolveTo,
  SHORT_MS,
  startFullListener,
  startProxy,
  startReceiver,
} from './sender-harness';

/** Sends until one times out behind the proxy: while the machine stands still, the proxy itself is not reached in time. */
const timesOut = (sender: HttpSender, url: string): Promise<boolean> =>
  eventually('it times out behind the proxy', async () => {
    const sent = await sender.send(post(url, { timeoutMs: SHORT_MS }));
    return sent.kind === 'error' && sent.errorCode === 'timeout';
  });

describe('through an egress proxy', () => {
  it('a webhook is delivered by CONNECT to the checked address, never to its name', async () => {
    const [proxy, receiver] = [await startProxy(), await startReceiver()];
    const sender = createSender({ proxy: proxy.url, ...resolveTo('127.0.0.1') });
    const result = await sender.send(post(`http://hooks.example:${receiver.port}/a?b=c`));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
    expect(proxy.targets).toEqual([`127.0.0.1:${receiver.port}`]);
    expect(receiver.requests).toMatchObject([
      { path: '/a?b=c', headers: { host: `hooks.example:${receiver.port}` } },
    ]);
    expect(JSON.stringify(proxy.headers)).not.toContain('hooks.example');
  });

  it('TLS is between us and the receiver, verified against the name', async () => {
    const tls = authority.serverCertificate({ hosts: ['hooks.example'] });
    const [proxy, receiver] = [await startProxy(), await startReceiver(200, { tls })];
    const sender = createSender({ proxy: proxy.url, ...resolveTo('127.0.0.1') });
    const right = await sender.send(post(`https://hooks.example:${receiver.port}/`));
    expect(right).toMatchObject({ kind: 'response', statusCode: 200 });
    const wrong = await sender.send(post(`https://other.example:${receiver.port}/`));
    expect(wrong).toMatchObject({
      errorCode: 'tls',
      errorMessage: 'the certificate is for another host',
    });
    expect(proxy.targets).toEqual(Array(2).fill(`127.0.0.1:${receiver.port}`));
    expect(receiver.requests).toHaveLength(1);
  });

  it('a self-signed certificate is refused', async () => {
    const [proxy, receiver] = [
      await startProxy(),
      await startReceiver(200, { tls: selfSignedCertificate() }),
    ];
    const result = await createSender({ proxy: proxy.url }).send(post(receiver.url));
    expect(result).toMatchObject({
      errorCode: 'tls',
      errorMessage: 'the certificate is self-signed',
    });
  });

  it.each([[['10.0.0.7']], [['93.184.216.34', '127.0.0.1']], [['::ffff:127.0.0.1']]])(
    'a name that resolves to %j is refused before the proxy hears of it',
    async (addresses) => {
      const proxy = await startProxy();
      const closed = { allowLoopback: false, ...resolveTo(...addresses) };
      const result = await createSender({ proxy: proxy.url, ...closed }).send(
        post('https://hooks.example/'),
      );
      expect(result).toMatchObject({ errorCode: 'blocked_address' });
      expect(proxy.targets).toEqual([]);
    },
  );

  it('the next of the checked addresses is tried when the proxy does not reach the first', async () => {
    const receiver = await startReceiver();
    const proxy = await startProxy({ refuse: (to) => (to.startsWith('127.0.0.9:') ? 502 : null) });
    const sender = createSender({ proxy: proxy.url, ...resolveTo('127.0.0.9', '127.0.0.1') });
    const result = await sender.send(post(`http://hooks.example:${receiver.port}/`));
    expect(result).toMatchObject({ statusCode: 200 });
    expect(proxy.targets.map((to) => to.split(':')[0])).toEqual(['127.0.0.9', '127.0.0.1']);
  });

  it('the next of them is tried when the proxy says nothing of the first', async () => {
    const receiver = await startReceiver();
    const never = new Promise<number>(() => {});
    const proxy = await startProxy({
      refuse: (to) => (to.startsWith('127.0.0.9:') ? never : null),
    });
    const sender = createSender({ proxy: proxy.url, ...resolveTo('127.0.0.9', '127.0.0.1') });
    const result = await sender.send(post(`http://hooks.example:${receiver.port}/`));
    expect(result).toMatchObject({ statusCode: 200 });
    expect(proxy.targets.map((to) => to.split(':')[0])).toEqual(['127.0.0.9', '127.0.0.1']);
  });

  it('the first has all the time that is left when the proxy does not reach the others', async () => {
    const receiver = await startReceiver();
    let asked = 0;
    const never = new Promise<number>(() => {});
    const proxy = await startProxy({
      refuse: (to) => {
        if (to.startsWith('127.0.0.9:')) return 502;
        asked += 1;
        return asked === 1 ? never : null;
      },
    });
    const sender = createSender({ proxy: proxy.url, ...resolveTo('127.0.0.1', '127.0.0.9') });
    const result = await sender.send(post(`http://hooks.example:${receiver.port}/`));
    expect(result).toMatchObject({ statusCode: 200 });
    const addresses = proxy.targets.map((to) => to.split(':')[0]);
    expect(addresses).toEqual(['127.0.0.1', '127.0.0.9', '127.0.0.1']);
  });

  it('the next is tried while there is time, however little that is', async () => {
    const receiver = await startReceiver();
    const never = new Promise<number>(() => {});
    const proxy = await startProxy({
      refuse: (to) => (to.startsWith('127.0.0.1:') ? null : never),
    });
    const sender = createSender({ proxy: proxy.url, ...resolveTo('127.0.0.9', '127.0.0.1') });
    const url = `http://hooks.example:${receiver.port}/`;
    // On a busy machine not each time.
    await eventually('it is answered in time', async () => {
      return (await sender.send(post(url, { timeoutMs: 2000 }))).statusCode === 200;
    });
  });

  it('only the first eight of a name’s many addresses are tried', async () => {
    const proxy = await startProxy({ refuse: () => 502 });
    const addresses = Array.from({ length: 50 }, (_, n) => `127.0.1.${n}`);
    const sender = createSender({ proxy: proxy.url, ...resolveTo(...addresses) });
    const tried = addresses.slice(0, 8).map((address) => `${address}:443`);
    // While the machine stands still, one of them takes too long, and is tried again.
    await eventually('all of them refuse in time', async () => {
      proxy.targets.length = 0;
      const sent = await sender.send(post('https://hooks.example/'));
      const isRefused = sent.kind === 'error' && sent.errorCode === 'unreachable';
      return isRefused && isDeepStrictEqual(proxy.targets, tried);
    });
  });

  it('its tunnel is given up with the exchange, and no other address is tried', async () => {
    const never = new Promise<number>(() => {});
    const proxy = await startProxy({ refuse: (to) => (to.endsWith(':443') ? never : 502) });
    const addresses = Array.from({ length: 6 }, (_, n) => `127.0.1.${n}`);
    const sender = createSender({ proxy: proxy.url, ...resolveTo(...addresses) });
    await timesOut(sender, 'https://hooks.example/');
    await eventually('nothing waits for it', () => proxy.openConnections === 0);
    // More go the same way, and would come after it; as above, one of them may take too long.
    await eventually('all of them refuse in time', async () => {
      const before = proxy.targets.length;
      await sender.send(post('https://hooks.example:444/'));
      const tried = addresses.map((address) => `${address}:444`);
      return isDeepStrictEqual(proxy.targets.slice(before), tried);
    });
    expect(proxy.targets).not.toContain('127.0.1.5:443');
  });

  it('it is not asked to close the tunnel', async () => {
    const [proxy, receiver] = [await startProxy(), await startReceiver()];
    await createSender({ proxy: proxy.url }).send(post(receiver.url));
    expect(proxy.headers).toEqual([{ host: `127.0.0.1:${receiver.port}` }]);
  });

  it.each([200, 202, 204, 299])('its %i opens the tunnel', async (opensWith) => {
    const [proxy, receiver] = [await startProxy({ opensWith }), await startReceiver()];
    const result = await createSender({ proxy: proxy.url }).send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: 200 });
  });

  it('an IPv6 address is asked for in brackets', async () => {
    const proxy = await startProxy({ refuse: () => 502 });
    await createSender({ proxy: proxy.url }).send(post('https://[::1]/'));
    expect(proxy.targets).toEqual(['[::1]:443']);
  });

  it('a tunnel is used again', async () => {
    // It is given up while the machine stands still for a second, but not each time.
    await eventually('it is', async () => {
      const [proxy, receiver] = [await startProxy(), await startReceiver()];
      const sender = createSender({ proxy: proxy.url });
      for (let n = 0; n < 10; n += 1) {
        expect(await sender.send(post(receiver.url))).toMatchObject({ statusCode: 200 });
      }
      return proxy.targets.length <= 2;
    });
  });

  it('it is given its credentials, and the receiver is not', async () => {
    const [proxy, receiver] = [await startProxy(), await startReceiver()];
    const url = proxy.url.replace('//', '//user:p%40ss@');
    await createSender({ proxy: url }).send(post(receiver.url));
    const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(proxy.headers[0]).toMatchObject({ 'proxy-authorization': basic });
    expect(receiver.requests[0]!.headers).not.toHaveProperty('proxy-authorization');
  });

  it.each([
    [403, 'unreachable', 'the receiver could not be reached (PROXY_403)'],
    [407, 'egress', 'the egress proxy made no connection (PROXY_407)'],
    [502, 'unreachable', 'the receiver could not be reached (PROXY_502)'],
  ])(
    'its refusal (%i) is not an answer of the receiver: %s',
    async (status, errorCode, message) => {
      const proxy = await startProxy({ refuse: () => status });
      const result = await createSender({ proxy: proxy.url }).send(post('https://127.0.0.1/'));
      expect(result).toMatchObject({
        kind: 'error',
        errorCode,
        errorMessage: message,
      });
    },
  );

  it('nothing bypasses it when it is unavailable', async () => {
    const [proxy, receiver] = [await startProxy(), await startReceiver()];
    const { url } = proxy;
    await proxy.close();
    expect(await createSender({ proxy: url }).send(post(receiver.url))).toMatchObject({
      errorCode: 'egress',
      errorMessage: 'the egress proxy made no connection (PROXY_ECONNREFUSED)',
    });
    expect(receiver.connections).toBe(0);
  });

  it.each<[string, () => Promise<string>]>([
    ['connection', async () => `http://127.0.0.1:${(await startFullListener()).port}`],
    ['handshake', async () => (await startReceiver(200, { tls: 'silent' })).url],
  ])('a %s to it that takes too long is not the receiver’s fault', async (_what, start) => {
    // More than are tried in turn within the timeout.
    const addresses = Array.from({ length: 8 }, (_, n) => `127.0.1.${n}`);
    const sender = createSender({ proxy: await start(), ...resolveTo(...addresses) });
    const sent = await sender.send(post('https://hooks.example/', { timeoutMs: SHORT_MS }));
    expect(sent).toMatchObject({
      errorCode: 'egress',
      errorMessage: 'the egress proxy made no connection (PROXY_ETIMEDOUT)',
    });
  });

  it('the timeout holds while the proxy is silent', async () => {
    const silent = await startReceiver(200, { tls: 'silent' });
    const sender = createSender({ proxy: silent.url.replace('https', 'http') });
    await timesOut(sender, 'https://127.0.0.1/');
  });

  it('a proxy with an untrusted certificate gets nothing', async () => {
    const proxy = await startProxy({ tls: selfSignedCertificate() });
    const result = await createSender({ proxy: proxy.url }).send(post('https://127.0.0.1/'));
    expect(result).toMatchObject({
      errorMessage: 'the egress proxy made no connection (PROXY_DEPTH_ZERO_SELF_SIGNED_CERT)',
    });
    expect(proxy.targets).toEqual([]);
  });
});
