import { DISPATCHES } from '../../src/contracts/delivery';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useFreshReceiver, useStack } from '../support/use';

/** A machine that is not very busy has the beginning of an answer in time. */
const TIMEOUT_MS = 3000;
/** How a receiver breaks off, and what the log says of it. */
const ENDS = [
  ['closes', 'connection_reset', /^the receiver closed the connection before/],
  ['resets', 'connection_reset', /./],
  ['waits', 'timeout', new RegExp(`^timed out after ${TIMEOUT_MS} ms`)],
] as const;

describe.each(DISPATCHES)('an answer whose body does not come whole, in %s', (dispatch) => {
  const stack = useStack();
  const receiver = useFreshReceiver();

  /** Has it answer an event's first attempt. */
  const answerWith = (status: string, afterwards: (typeof ENDS)[number][0]) => {
    const bytes = `HTTP/1.1 ${status}\r\nContent-Length: 20\r\nX-Why: w\r\n\r\nok`;
    receiver.respondWith({ kind: 'raw', bytes, afterwards });
    const isCutByTimeout = afterwards === 'waits';
    const timeoutMs = isCutByTimeout ? TIMEOUT_MS : 60_000;
    const policy = { timeoutMs, retryDelaysMs: [3_600_000] };
    return eventually('its head has come in time', async () => {
      const { client } = await stack.project({ dispatch });
      const { id: webhookId } = await makeWebhook(client, receiver.url, { policy });
      const id = await postEvent(client);
      const delivery = await deliveryWith(client, id, { attemptCount: 1 });
      const webhook = async () => (await client.get(`/v1/webhooks/${webhookId}`)).body.data;
      // What times out while the machine stands still is sent again.
      const hasHead = !isCutByTimeout || 'responseHeaders' in delivery.attempts[0];
      return hasHead && { client, id, delivery, webhook };
    });
  };
  const cut = { responseHeaders: { 'content-length': '20', 'x-why': 'w' }, responseBody: 'ok' };

  it.each(ENDS)(
    'is gone with 410 where the receiver %s',
    async (afterwards, _code, errorMessage) => {
      const { delivery, webhook } = await answerWith('410 Gone', afterwards);
      expect(delivery.status).toBe('failed');
      const [attempt] = delivery.attempts;
      expect(attempt).toMatchObject({ outcome: 'failed', statusCode: 410, ...cut });
      expect(attempt.errorMessage).toMatch(errorMessage);
      expect(attempt).not.toHaveProperty('errorCode');
      await eventually('it is disabled', async () => !(await webhook()).isActive);
      expect(await webhook()).toMatchObject({ disabledReason: 'gone', lastStatus: 410 });
    },
  );

  it.each(ENDS)('has failed with 500 where the receiver %s', async (afterwards) => {
    const { client, id, delivery } = await answerWith('500 Oops', afterwards);
    expect(delivery.attempts[0]).toMatchObject({ outcome: 'failed', statusCode: 500, ...cut });
    expect(delivery.status).toBe('pending');
    const found = await client.get('/v1/deliveries?statusCode=5xx');
    expect(found.body.data.deliveries).toMatchObject([{ id }]);
  });

  it.each(ENDS)('is no success with 200 where the receiver %s', async (afterwards, errorCode) => {
    const { delivery, webhook } = await answerWith('200 OK', afterwards);
    const [attempt] = delivery.attempts;
    expect(attempt).toMatchObject({ outcome: 'failed', errorCode, ...cut });
    expect(attempt.errorMessage).toMatch(/, after status 200$/);
    expect(attempt).not.toHaveProperty('statusCode');
    expect(delivery.status).toBe('pending');
    await eventually('it counts', async () => (await webhook()).lastStatus === errorCode);
  });
});
