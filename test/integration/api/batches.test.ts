import type { ApiClient } from '../../support/api-client';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

describe('a batch of events', () => {
  const stack = useStack({}, { worker: false });
  let client: ApiClient;
  beforeAll(async () => {
    ({ client } = await stack.project());
  });

  const sent = (n: number) => ({ type: 'email.sent', data: { ...emailSent, emailId: `em_${n}` } });
  const many = (count: number) => Array.from({ length: count }, (_, n) => sent(n));
  const post = (events: unknown) => client.post('/v1/events/batch', { events });

  it.each([1, 500])('of %d is accepted whole, each answered in its place', async (count) => {
    const events = many(count);
    const { status, body } = await post(events);
    expect(status).toBe(202);
    const accepted = body.data.events as { id: string }[];
    expect(accepted).toEqual(
      events.map(({ type }) => ({
        id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
        type,
        createdAt: expect.any(String),
        duplicate: false,
      })),
    );
    for (const n of [0, count - 1]) {
      const read = await client.get(`/v1/events/${accepted[n]!.id}`);
      expect(read.body.data.data).toEqual(sent(n).data);
    }
  });

  it('while Temporal is unavailable, asks for its fan-outs without the bodies, and is left to reconcile', async () => {
    const started = jest
      .spyOn(stack.engine, 'startFanOut')
      .mockRejectedValue(new Error('unavailable'));
    const { body } = await post(many(5));
    const ids: string[] = body.data.events.map(({ id }: { id: string }) => id);
    const asked = () => started.mock.calls.filter(([{ _id }]) => ids.includes(_id));
    await eventually('they are asked for', () => asked().length === 5);
    expect(asked()).toEqual(
      ids.map((_id) => [{ _id, projectId: expect.any(String), type: 'email.sent' }]),
    );
    started.mockRestore();
    const again = jest.spyOn(stack.engine, 'startFanOut');
    await stack.reconcile();
    const mended = again.mock.calls.map(([{ _id }]) => _id);
    expect(mended).toEqual(expect.arrayContaining(ids));
    again.mockRestore();
  });

  it.each<[title: string, events: unknown, fields: string[]]>([
    ['none', [], ['events']],
    ['501', many(501), ['events']],
    ['something else than a list', sent(1), ['events']],
    [
      'one, the last, whose data breaks its schema',
      [...many(99), { type: 'email.sent', data: { ...emailSent, foo: 1 } }],
      ['events.99.data.foo'],
    ],
    [
      'two of unknown types',
      [{ type: 'a', data: {} }, sent(1), { type: 'b', data: {} }],
      ['events.0.type', 'events.2.type'],
    ],
    ['one with an unknown field', [sent(1), { ...sent(2), id: 'evt_1' }], ['events.1.id']],
  ])('that holds %s is refused whole, naming what is wrong', async (_title, events, fields) => {
    const before = await stored(stack);
    expectRefusal(await post(events), 'validation_failed', fields);
    expect(await stored(stack)).toEqual(before);
  });

  it('that holds an event with data of over 256 KiB is refused whole', async () => {
    const large = (bytes: number) => {
      const data = { ...emailSent, subject: '' };
      const subject = 'x'.repeat(bytes - JSON.stringify(data).length);
      return { type: 'email.sent', data: { ...data, subject } };
    };
    const limit = 256 * 1024;
    expect((await post([sent(1), large(limit)])).status).toBe(202);
    const before = await stored(stack);
    expectRefusal(await post([sent(1), large(limit + 1)]), 'payload_too_large');
    expect(await stored(stack)).toEqual(before);
  });

  it('may be of 5 MiB, and is refused over that', async () => {
    const padded = (bytes: number): string => {
      const body = JSON.stringify({ events: many(100) });
      return body + ' '.repeat(bytes - body.length);
    };
    const limit = 5 * 1024 * 1024;
    expect((await client.post('/v1/events/batch', padded(limit))).status).toBe(202);
    const before = await stored(stack);
    expectRefusal(await client.post('/v1/events/batch', padded(limit + 1)), 'payload_too_large');
    expect(await stored(stack)).toEqual(before);
  });
});

describe('a batch of which some events have expired, posted again with its key,', () => {
  const stack = useStack({}, { worker: false });
  const paid = (n: number) => ({ type: 'order.paid', data: { n } });
  const batch = { events: [paid(0), paid(1), paid(2)] };
  let client: ApiClient;
  let ids: string[];

  const post = (body: unknown = batch) =>
    client.post('/v1/events/batch', body, { 'idempotency-key': 'import-1' });

  beforeEach(async () => {
    ({ client } = await stack.project({ profile: 'custom' }));
    await client.send('PUT', '/v1/event-types/order.paid', {
      description: 'An order.',
      schema: {},
      sample: { n: 0 },
    });
    const { body } = await post();
    ids = body.data.events.map(({ id }: { id: string }) => id);
    await stack.store.events.remove([ids[0]!, ids[2]!]);
  });

  it('has these stored anew, and is answered whole, in order', async () => {
    const again = await post();
    expect(again.status).toBe(202);
    const { events } = again.body.data;
    expect(events).toMatchObject([
      { duplicate: false },
      { id: ids[1], duplicate: true },
      { duplicate: false },
    ]);
    const lists = await Promise.all(
      events.map(({ id }: { id: string }) => client.get(`/v1/events/${id}`)),
    );
    expect(lists.map(({ body }) => body.data.data)).toEqual(batch.events.map(({ data }) => data));
    const before = await stored(stack);
    const more = await post();
    expect(more.body.data.events).toEqual(
      events.map((event: object) => ({ ...event, duplicate: true })),
    );
    expect(await stored(stack)).toEqual(before);
  });

  it('is refused with another body, or where these are no longer valid, and nothing is stored', async () => {
    const before = await stored(stack);
    expectRefusal(await post({ events: [...batch.events, paid(3)] }), 'idempotency_conflict');
    expect(await stored(stack)).toEqual(before);
    await client.delete('/v1/event-types/order.paid');
    const without = await stored(stack);
    const fields = [0, 1, 2].map((n) => `events.${n}.type`);
    expectRefusal(await post(), 'validation_failed', fields);
    expect(await stored(stack)).toEqual(without);
  });
});
