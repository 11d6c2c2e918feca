import { checkWebhookUrl } from '../../../src/domain/webhook-url';
import { ADDRESS_ATTACKS, NAME_ATTACKS } from '../../support/ssrf-attacks';
import { createSender, post, resolveTo, startProxy, startReceiver } from './sender-harness';

const production = {
  allowHttp: false,
  development: false,
  allowedCidrs: [],
  reader: 'platform',
} as const;
const closed = { allowLoopback: false, allowedCidrs: [] };

describe('an attack by a host', () => {
  it('is one of so many, each its own', () => {
    const hosts = [...ADDRESS_ATTACKS, ...NAME_ATTACKS].map(([, host]) => host);
    expect(new Set(hosts).size).toBe(hosts.length);
    expect([ADDRESS_ATTACKS.length, NAME_ATTACKS.length]).toEqual([94, 31]);
  });

  describe.each(['https', 'http'])('is refused where webhooks are made, by %s', (scheme) => {
    it.each([...ADDRESS_ATTACKS, ...NAME_ATTACKS])('%s: %j', (_way, host) => {
      expect(checkWebhookUrl(`${scheme}://${host}/hooks`, production)).toEqual(expect.any(String));
      const http = { ...production, allowHttp: true };
      expect(checkWebhookUrl(`${scheme}://${host}/hooks`, http)).toEqual(expect.any(String));
    });
  });

  describe.each(['https', 'http'])('is refused where connections are made, by %s', (scheme) => {
    it.each(ADDRESS_ATTACKS)('%s: %s', async (_way, host) => {
      const result = await createSender(closed).send(post(`${scheme}://${host}/`));
      expect(result).toMatchObject({ kind: 'error', errorCode: 'blocked_address' });
    });
  });

  it.each(ADDRESS_ATTACKS)('is refused before a proxy hears of it, %s: %s', async (_way, host) => {
    const proxy = await startProxy();
    const result = await createSender({ ...closed, proxy: proxy.url }).send(
      post(`https://${host}/`),
    );
    expect(result).toMatchObject({ kind: 'error', errorCode: 'blocked_address' });
    expect(proxy.targets).toEqual([]);
  });

  /** The parser's result, as a resolver would return it. */
  const address = (host: string): string =>
    new URL(`https://${host}/`).hostname.replace(/^\[|\]$/g, '');

  it.each(ADDRESS_ATTACKS)('is refused as the answer of a resolver, %s: %s', async (_way, host) => {
    for (const answer of [[address(host)], ['93.184.216.34', address(host)]]) {
      const sender = createSender({ ...closed, ...resolveTo(...answer) });
      const result = await sender.send(post('https://hooks.example/'));
      expect(result).toMatchObject({ kind: 'error', errorCode: 'blocked_address' });
    }
  });
});

describe('an attack in time', () => {
  /** Stands for a public address; the other one for a private one. */
  const [PUBLIC, PRIVATE] = ['127.0.0.1', '127.0.0.2'];
  const opened = { allowLoopback: false, allowedCidrs: [`${PUBLIC}/32`] };

  it.each([false, true])(
    'by a name that changes its address between check and connect gains nothing (proxy: %s)',
    async (isProxied) => {
      const proxy = isProxied ? (await startProxy()).url : undefined;
      const receiver = await startReceiver({ kind: 'answer', status: 200, thenClose: true });
      const answers = [PUBLIC, PRIVATE];
      let asked = 0;
      const sender = createSender({
        ...opened,
        ...(proxy !== undefined && { proxy }),
        resolve: () => Promise.resolve([{ address: answers[asked++ % 2]!, family: 4 }]),
      });
      const url = `http://hooks.example:${receiver.port}/`;
      // One answer is both judged and connected to.
      expect(await sender.send(post(url))).toMatchObject({ statusCode: 200 });
      expect(asked).toBe(1);
      await receiver.waitFor(() => receiver.openConnections === 0);
      expect(await sender.send(post(url))).toMatchObject({ errorCode: 'blocked_address' });
      expect(receiver.connections).toBe(1);
    },
  );

  it.each([301, 302, 303, 307, 308])('by a %i to a private address is not followed', async (to) => {
    const inside = await startReceiver();
    const receiver = await startReceiver({ kind: 'redirect', location: inside.url, status: to });
    const result = await createSender(opened).send(post(receiver.url));
    expect(result).toMatchObject({ kind: 'response', statusCode: to });
    expect(inside.connections).toBe(0);
  });
});

describe('what the operator has opened', () => {
  const allowedCidrs = ['10.1.0.0/16', 'fd00:1::/32'];
  it.each([
    ['10.1.0.1', null],
    ['10.1.255.255', null],
    ['[fd00:1::5]', null],
    ['0xa010001', null],
    ['10.2.0.1', expect.any(String)],
    ['10.0.255.255', expect.any(String)],
    ['[fd00:2::5]', expect.any(String)],
    ['127.0.0.1', expect.any(String)],
    ['169.254.169.254', expect.any(String)],
  ])('is open and nothing else: %s', (host, expected) => {
    const policy = { ...production, allowedCidrs };
    expect(checkWebhookUrl(`https://${host}/`, policy)).toEqual(expected);
    expect(checkWebhookUrl(`http://${host}/`, policy)).toEqual(expect.any(String));
  });
});
