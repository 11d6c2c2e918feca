import { createSender, post, resolveTo, startReceiver } from './sender-harness';

describe('a blocked address', () => {
  const closed = { allowLoopback: false };

  it('is not connected to when the URL names it', async () => {
    const receiver = await startReceiver();
    expect(await createSender(closed).send(post(receiver.url))).toMatchObject({
      errorCode: 'blocked_address',
      errorMessage: '127.0.0.1 is not a public address',
    });
    expect(receiver.connections).toBe(0);
  });

  it.each(['http://[::1]:1/', 'http://[::ffff:127.0.0.1]:1/', 'http://2130706433:1/'])(
    'is recognised in %s',
    async (url) => {
      const result = await createSender(closed).send(post(url));
      expect(result).toMatchObject({ errorCode: 'blocked_address' });
    },
  );

  it.each([[['127.0.0.1']], [['93.184.216.34', '127.0.0.1']], [['::ffff:127.0.0.1']]])(
    'is not connected to when a name resolves to %j, and not told',
    async (addresses) => {
      const receiver = await startReceiver();
      const sender = createSender({ ...closed, ...resolveTo(...addresses) });
      expect(await sender.send(post(`http://hooks.example:${receiver.port}/`))).toMatchObject({
        errorCode: 'blocked_address',
        errorMessage: 'hooks.example resolves to an address that is not public',
      });
      expect(receiver.connections).toBe(0);
    },
  );

  it('can be opened by the operator', async () => {
    const receiver = await startReceiver();
    const sender = createSender({ ...closed, allowedCidrs: ['127.0.0.1/32'] });
    expect(await sender.send(post(receiver.url))).toMatchObject({ statusCode: 200 });
  });
});
