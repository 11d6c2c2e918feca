import { DISPATCHES } from '../../src/contracts/delivery';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useFreshReceiver, useStack } from '../support/use';

/** A busy machine has the beginning of an answer, and an end of its connection, in time. */
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
  let client: ApiClient;
  let webhookId: string;
  beforeEach(async () => {
    ({ client } = await stack.project({ dispatch }));
    const policy = { timeoutMs: TIMEOUT_MS, retryDelaysMs: [3_600_000] };
    ({ id: webhookId } = await makeWebhook(client, receiver.url, { policy }));
  });

  const answerWith = (status: string, afterwards: (typeof ENDS)[number][0]): void => {
    const bytes = `HTTP/1.1 ${status}\r\nContent-Length: 20\r\nX-Why: w\r\n\r\nok`;
    receiver.respondWith({ kind: 'raw', bytes, afterwards });
  };
  const webhook = async () => (await client.get(`/v1/webhooks/${webhookId}`)).body.data;
  const cut = { responseHeaders: { 'content-length': '20', 'x-why': 'w' }, responseBody: 'ok' };

  it.each(ENDS)(
    'is gone with 410 where the receiver %s',
    async (afterwards, _code, errorMessage) => {
      answerWith('410 Gone', afterwards);
      const delivery = await deliveryWith(client, await postEvent(client), { status: 'failed' });
      const [attempt] = delivery.attempts;
      expect(attempt).toMatchObject({ outcome: 'failed', statusCode: 410, ...cut });
      expect(attempt.errorMessage).toMatch(errorMessage);
      expect(attempt).not.toHaveProperty('errorCode');
      await eventually('it is disabled', async () => !(await webhook()).isActive);
      expect(await webhook()).toMatchObject({ disabledReason: 'gone', lastStatus: 410 });
    },
  );

  it.each(ENDS)('has failed with 500 where the receiver %s', async (afterwards) => {
    answerWith('500 Oops', afterwards);
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { attemptCount: 1 });
    expect(delivery.attempts[0]).toMatchObject({ outcome: 'failed', statusCode: 500, ...cut });
    expect(delivery.status).toBe('pending');
    const found = await client.get('/v1/deliveries?statusCode=5xx');
    expect(found.body.data.deliveries).toMatchObject([{ id }]);
  });

  it.each(ENDS)('is no success with 200 where the receiver %s', async (afterwards, errorCode) => {
    answerWith('200 OK', afterwards);
    const id = await postEvent(client);
    const delivery = await deliveryWith(client, id, { attemptCount: 1 });
    const [attempt] = delivery.attempts;
    expect(attempt).toMatchObject({ outcome: 'failed', errorCode, ...cut });
    expect(attempt.errorMessage).toMatch(/, after status 200$/);
    expect(attempt).not.toHaveProperty('statusCode');
    expect(delivery.status).toBe('pending');
    await eventually('it counts', async () => (await webhook()).lastStatus === errorCode);
  });
});
