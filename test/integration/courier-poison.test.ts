import { makeWebhook } from '../support/deliveries';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

/** Timers may fire a millisecond early, and clocks round. */
const ROUNDING_MS = 5;

describe('what a courier fails at again and again', () => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  it('is tried again after a pause', async () => {
    const { client } = await stack.project({ dispatch: 'express' });
    await makeWebhook(client, receiver.url);
    const send = stack.sender.send.bind(stack.sender);
    const triedAt: number[] = [];
    const spy = jest.spyOn(stack.sender, 'send').mockImplementation(async (request) => {
      triedAt.push(performance.now());
      if (triedAt.length < 3) throw new Error('a fault of Posthorn’s own');
      return send(request);
    });
    try {
      await client.post('/v1/events', { type: 'email.sent', data: emailSent });
      await receiver.waitFor(1);
    } finally {
      spy.mockRestore();
    }
    const [first, second, third] = triedAt;
    expect(second! - first!).toBeGreaterThanOrEqual(1000 - ROUNDING_MS);
    expect(third! - second!).toBeGreaterThanOrEqual(1000 - ROUNDING_MS);
  });
});
