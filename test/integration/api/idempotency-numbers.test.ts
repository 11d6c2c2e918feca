import type { ApiClient } from '../../support/api-client';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

describe('under an Idempotency-Key', () => {
  const stack = useStack({}, { worker: false });

  const bodyOf = (amount: string) =>
    `{"type":"contact.created","data":{"amount":${amount},"list":[{"amount":[${amount}]}]}}`;
  const routes: [path: string, body: (amount: string) => string][] = [
    ['/v1/events', bodyOf],
    ['/v1/events/batch', (amount) => `{"events":[${bodyOf('1')},${bodyOf(amount)}]}`],
  ];
  const post = async (client: ApiClient, path: string, body: string) => {
    const answer = await client.post(path, body, { 'idempotency-key': 'order-1' });
    const { data } = answer.body;
    return { ...answer, event: data?.events?.[0] ?? data };
  };

  it.each([
    ['1.000000000000000001', '1.000000000000000002'],
    ['0.1', '0.10000000000000000001'],
    ['0.99999999999999999999', '1'],
    ['9007199254740992', '9007199254740992.5'],
    ['5e-324', '6e-324'],
    ['1.7976931348623157e308', '1.79769313486231571e308'],
    ['-0.10000000000000000001', '0.10000000000000000001'],
  ])('distinguishes %s from %s, and stores nothing', async (first, other) => {
    for (const [path, body] of routes) {
      for (const [one, two] of [
        [first, other],
        [other, first],
      ] as const) {
        const { client } = await stack.project();
        expect((await post(client, path, body(one))).event.duplicate).toBe(false);
        const before = await stored(stack);
        expectRefusal(await post(client, path, body(two)), 'idempotency_conflict');
        expect(await stored(stack)).toEqual(before);
        expect((await post(client, path, body(one))).event.duplicate).toBe(true);
      }
    }
  });

  it.each([
    ['1', '1.0', '1e0', '10E-1', '1.000000000000000000000'],
    ['0.1', '0.10', '1e-1', '0.100000000000000000000'],
    ['0', '-0', '0.0', '0e9999999999', '0e-9999999999'],
    ['0.10000000000000000001', '0.100000000000000000010', '10.000000000000000001e-2'],
    ['9007199254740993', '9007199254740993.0', '9.007199254740993e15'],
    ['1e16', '10000000000000000', '1E+16', '1.0e16'],
  ])('takes %s for %s', async (first, ...others) => {
    for (const [path, body] of routes) {
      const { client } = await stack.project();
      const { event } = await post(client, path, body(first));
      for (const other of others) {
        const again = await post(client, path, body(other));
        expect(again.event).toEqual({ ...event, duplicate: true });
      }
    }
  });

  it('refuses a number beyond a double’s range, whatever was accepted before', async () => {
    const { client } = await stack.project();
    await post(client, '/v1/events', bodyOf('0'));
    for (const number of ['1e400', '1e-400', '1e999999999', '1e-999999999']) {
      const answer = await post(client, '/v1/events', bodyOf(number));
      expectRefusal(answer, 'validation_failed', ['data.amount', 'data.list.0.amount.0']);
    }
  });

  it.each(routes)('recognises what an earlier version accepted by %s', async (path, body) => {
    const { client, id } = await stack.project();
    const { event } = await post(client, path, body('0.10000000000000000001'));
    await stack.store.events.model.updateMany(
      { projectId: id },
      { $unset: { requestNumbers: true } },
    );
    for (const amount of ['0.10000000000000000001', '0.1']) {
      expect((await post(client, path, body(amount))).event).toEqual({ ...event, duplicate: true });
    }
    expectRefusal(await post(client, path, body('0.2')), 'idempotency_conflict');
  });
});
