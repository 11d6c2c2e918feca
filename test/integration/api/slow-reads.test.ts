import { newId } from '../../../src/contracts/ids';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';

/** A view whose reads take for ever: a thousand million documents are made of one, none with a project's id. */
const ENDLESS = [
  ...['a', 'b', 'c'].flatMap((name) => [
    { $set: { [name]: { $range: [0, 1000] } } },
    { $unwind: `$${name}` },
  ]),
  { $set: { projectId: { $toString: '$c' } } },
];

describe('a read that takes MongoDB too long', () => {
  const stack = useStack({}, { worker: false });

  // oxlint-disable-next-line typescript/no-explicit-any -- ids are strings here
  const others = () => stack.store.deliveries.model.db.db!.collection<any>('others');

  beforeAll(async () => {
    const db = stack.store.deliveries.model.db.db!;
    await db.collection('deliveries').rename('others');
    await others().insertOne({ _id: newId('delivery') });
    await db.createCollection('deliveries', { viewOn: 'others', pipeline: ENDLESS });
  });

  it.concurrent('is given up after ten seconds, and told as that', async () => {
    const { client } = await stack.project();
    const askedAt = performance.now();
    const { status, body, headers } = await client.get('/v1/deliveries');
    const tookMs = performance.now() - askedAt;
    expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'too_slow' });
    expect(body.error.message).toContain('took too long');
    expect(headers.get('retry-after')).toBe('5');
    expect(tookMs).toBeGreaterThan(9000);
    expect(tookMs).toBeLessThan(60_000);
  });

  it.concurrent(
    'leaves out what an enabled webhook has missed, and answers that it is enabled',
    async () => {
      const { client } = await stack.project();
      const { id } = await makeWebhook(client, 'https://example.com/');
      await stack.store.webhooks.model.updateOne({ _id: id }, { $set: { isActive: false } });
      const skipped = { _id: newId('delivery'), webhookId: id, status: 'skipped' };
      await others().insertOne(skipped);
      const { status, body } = await client.patch(`/v1/webhooks/${id}`, { isActive: true });
      expect([status, body.data.isActive, body.data.skipped]).toEqual([200, true, undefined]);
    },
  );

  it.concurrent('names the field that would shorten it, where there is one', async () => {
    const { client } = await stack.project();
    const { status, body } = await client.get('/v1/stats');
    expect(status).toBe(422);
    expect(body.error.details).toMatchObject([{ field: 'since' }]);
  });
});
