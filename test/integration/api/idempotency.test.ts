import type { Answer, ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { useReceiver, useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const event = { type: 'email.sent', data: emailSent };

/** The same values, the members of every object the other way round. */
const inOtherOrder = (value: object): object =>
  Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]: [string, unknown]) => [
        name,
        typeof inner === 'object' && inner !== null ? inOtherOrder(inner) : inner,
      ]),
  );

const stack = useStack({}, { worker: false });

describe('an Idempotency-Key', () => {
  const post = (client: ApiClient, key: string, body: unknown = event) =>
    client.post('/v1/events', body, { 'idempotency-key': key });

  it('answers the first event to the same body', async () => {
    const { client } = await stack.project();
    const first = await post(client, 'order-1');
    const before = await stored(stack);
    const second = await post(client, 'order-1');
    expect(first.body.data.duplicate).toBe(false);
    expect(second.status).toBe(202);
    expect(second.body.data).toEqual({ ...first.body.data, duplicate: true });
    expect(await stored(stack)).toEqual(before);
  });

  it.each([
    ['other white space', JSON.stringify(event, null, 2)],
    ['its members in another order', inOtherOrder(event)],
    ['other escapes', JSON.stringify(event).replace('Your order', '\\u0059our\\u0020order')],
  ])('answers the first event to a body with %s', async (_title, body) => {
    const { client } = await stack.project();
    const first = await post(client, 'order-1');
    const second = await post(client, 'order-1', body);
    expect(second.body.data).toEqual({ ...first.body.data, duplicate: true });
  });

  it('distinguishes numbers that are equal as doubles, in any order', async () => {
    const { client } = await stack.project();
    const counted = (members: string) => `{"type":"contact.created","data":{${members}}}`;
    const [even, odd] = ['9007199254740992', '9007199254740993'];
    const first = await post(client, 'count', counted(`"a":${odd},"b":${even},"c":[${odd}]`));
    const again = await post(client, 'count', counted(`"c":[${odd}],"b":${even},"a":${odd}`));
    expect(again.body.data).toEqual({ ...first.body.data, duplicate: true });
    for (const members of [
      `"a":${even},"b":${odd},"c":[${odd}]`,
      `"a":${odd},"b":${even},"c":[${even}]`,
    ]) {
      expectRefusal(await post(client, 'count', counted(members)), 'idempotency_conflict');
    }
  });

  it('distinguishes lists in another order', async () => {
    const { client } = await stack.project();
    const tagged = (tags: string[]) => ({ type: 'contact.created', data: { tags } });
    await post(client, 'tags', tagged(['a', 'b']));
    expectRefusal(await post(client, 'tags', tagged(['b', 'a'])), 'idempotency_conflict');
  });

  describe('of an event that would be refused now', () => {
    const schema = (type: string) => ({
      description: 'An order.',
      schema: { properties: { id: { type } }, required: ['id'] },
      sample: { id: type === 'string' ? 'a' : 1 },
    });
    const paid = { type: 'order.paid', data: { id: 'a' } };
    const define = (client: ApiClient, type: string) =>
      client.send('PUT', '/v1/event-types/order.paid', schema(type));

    it.each<[title: string, change: (client: ApiClient, id: string) => Promise<unknown>]>([
      ['whose type was tightened', (client) => define(client, 'integer')],
      ['whose type was deleted', (client) => client.delete('/v1/event-types/order.paid')],
      [
        'that a newer version would refuse',
        (_client, id) => stack.store.eventTypes.model.deleteMany({ projectId: id }),
      ],
    ])('%s, answers the first one', async (_title, change) => {
      const { client, id } = await stack.project({ profile: 'custom' });
      await define(client, 'string');
      const batch = { events: [paid, paid] };
      const postBatch = (body: unknown = batch) =>
        client.post('/v1/events/batch', body, { 'idempotency-key': 'order-1' });
      const [one, many] = [await post(client, 'order-1', paid), await postBatch()];
      await change(client, id);
      expect((await client.post('/v1/events', paid)).status).toBe(422);
      const before = await stored(stack);
      const [again, manyAgain] = [await post(client, 'order-1', paid), await postBatch()];
      expect([again.status, manyAgain.status]).toEqual([202, 202]);
      expect(again.body.data).toEqual({ ...one.body.data, duplicate: true });
      expect(manyAgain.body.data.events).toEqual(
        many.body.data.events.map((first: object) => ({ ...first, duplicate: true })),
      );
      // A different body is reported as such, rather than its problems.
      const other = { ...paid, data: { id: true } };
      expectRefusal(await post(client, 'order-1', other), 'idempotency_conflict');
      expectRefusal(await postBatch({ events: [other] }), 'idempotency_conflict');
      expectRefusal(await postBatch({ events: 7 }), 'idempotency_conflict');
      expect(await stored(stack)).toEqual(before);
    });
  });

  it('whose event’s payload was deleted answers that event', async () => {
    const { client } = await stack.project();
    const first = await post(client, 'order-1');
    await client.delete(`/v1/events/${first.body.data.id}`);
    const again = await post(client, 'order-1');
    expect(again.body.data).toEqual({ ...first.body.data, duplicate: true });
  });

  it.each([
    ['order-1', '"order-1"'],
    ['a"b', '"a\\"b"'],
    ['a\\b', '"a\\\\b"'],
    ['x'.repeat(255), `"${'x'.repeat(255)}"`],
  ])('%s is the same as %s', async (bare, quoted) => {
    const { client } = await stack.project();
    const first = await post(client, bare);
    const again = await post(client, quoted);
    expect(again.body.data).toEqual({ ...first.body.data, duplicate: true });
    const batch = { events: [event] };
    const many = (key: string) =>
      client.post('/v1/events/batch', batch, { 'idempotency-key': key });
    expect((await many(quoted)).body.data.events[0].duplicate).toBe(false);
    expect((await many(bare)).body.data.events[0].duplicate).toBe(true);
  });

  it.each<[title: string, body: unknown]>([
    ['other data', { ...event, data: { ...emailSent, subject: 'Another' } }],
    ['another type', { ...event, type: 'email.delivered' }],
    ['a time', { ...event, createdAt: '2026-03-01T10:30:00Z' }],
  ])('refuses a body with %s, and stores nothing', async (_title, body) => {
    const { client } = await stack.project();
    const first = await post(client, 'order-1');
    const before = await stored(stack);
    expectRefusal(await post(client, 'order-1', body), 'idempotency_conflict');
    expect(await stored(stack)).toEqual(before);
    const again = await post(client, 'order-1');
    expect(again.body.data).toEqual({ ...first.body.data, duplicate: true });
  });

  it('is each project’s own', async () => {
    const [one, two] = [await stack.project(), await stack.project()];
    const first = await post(one.client, 'order-1');
    const second = await post(two.client, 'order-1');
    expect(second.body.data.duplicate).toBe(false);
    expect(second.body.data.id).not.toBe(first.body.data.id);
  });

  it('is shared by the keys of a project', async () => {
    const { id, client } = await stack.project();
    const sender = await stack.client(id, 'sender');
    const first = await post(client, 'order-1');
    expect((await post(sender, 'order-1')).body.data).toEqual({
      ...first.body.data,
      duplicate: true,
    });
  });

  it('is not used up by a body that is refused', async () => {
    const { client } = await stack.project();
    expect((await post(client, 'order-1', { ...event, data: {} })).status).toBe(422);
    expect((await post(client, 'order-1')).body.data.duplicate).toBe(false);
  });

  it('differs from another by every character', async () => {
    const { client } = await stack.project();
    const keys = ['a', 'A', 'a.', '$a', 'x'.repeat(255), `${'x'.repeat(254)}y`];
    const answers = await Promise.all(keys.map((key) => post(client, key)));
    expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(keys.length);
    expect(answers.every(({ body }) => body.data.duplicate === false)).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['of 256 characters', 'x'.repeat(256)],
    ['with a space', 'order 1'],
    ['empty in quotes', '""'],
    ['of 256 characters in quotes', `"${'x'.repeat(256)}"`],
    ['with a space in quotes', '"order 1"'],
    ['in quotes that do not end', '"order-1'],
    ['in quotes with one inside', '"order"1"'],
    ['in quotes with another escape', '"order\\-1"'],
    ['with letters beyond ASCII', 'bestellung-ü'],
  ])('is refused when it is %s, and nothing is stored', async (_title, key) => {
    const { client } = await stack.project();
    const before = await stored(stack);
    expectRefusal(await post(client, key), 'validation_failed', ['Idempotency-Key']);
    expect(await stored(stack)).toEqual(before);
  });

  it('is optional: without one each request is a separate event', async () => {
    const { client } = await stack.project();
    const [first, second] = [
      await client.post('/v1/events', event),
      await client.post('/v1/events', event),
    ];
    expect(second.body.data.duplicate).toBe(false);
    expect(second.body.data.id).not.toBe(first.body.data.id);
  });
});

describe('the Idempotency-Key of a batch', () => {
  const batch = { events: [event, { type: 'contact.created', data: { email: 'a@b.example' } }] };
  const post = (client: ApiClient, body: unknown = batch) =>
    client.post('/v1/events/batch', body, { 'idempotency-key': 'import-1' });
  const repeated = (answer: Answer): unknown[] =>
    (answer.body.data.events as object[]).map((posted) => ({ ...posted, duplicate: true }));

  it('answers the first batch’s events, in order, to the same body', async () => {
    const { client } = await stack.project();
    const first = await post(client);
    expect(first.body.data.events).toMatchObject([
      { type: 'email.sent', duplicate: false },
      { type: 'contact.created', duplicate: false },
    ]);
    const before = await stored(stack);
    const second = await post(client);
    expect(second.status).toBe(202);
    expect(second.body.data.events).toEqual(repeated(first));
    expect(await stored(stack)).toEqual(before);
  });

  it.each<[title: string, body: unknown]>([
    ['one event less', { events: [event] }],
    ['one event more', { events: [...batch.events, event] }],
    ['another order', { events: batch.events.toReversed() }],
  ])('refuses a body with %s, and stores nothing', async (_title, body) => {
    const { client } = await stack.project();
    await post(client);
    const before = await stored(stack);
    expectRefusal(await post(client, body), 'idempotency_conflict');
    expect(await stored(stack)).toEqual(before);
  });

  it('is another one than a single event’s', async () => {
    const { client } = await stack.project();
    const one = await client.post('/v1/events', event, { 'idempotency-key': 'import-1' });
    const many = await post(client, { events: [event] });
    expect(many.body.data.events).toMatchObject([{ duplicate: false }]);
    expect(many.body.data.events[0].id).not.toBe(one.body.data.id);
  });

  it('is refused when it has a space', async () => {
    const { client } = await stack.project();
    const answer = await client.post('/v1/events/batch', batch, { 'idempotency-key': 'a b' });
    expectRefusal(answer, 'validation_failed', ['Idempotency-Key']);
  });

  it('makes one batch of 20 equal requests at once', async () => {
    const { id: projectId, client } = await stack.project();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(client)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const firsts = answers.filter(({ body }) => !body.data.events[0].duplicate);
    expect(firsts).toHaveLength(1);
    for (const answer of answers) expect(repeated(answer)).toEqual(repeated(firsts[0]!));
    expect(await stack.store.events.model.countDocuments({ projectId })).toBe(2);
  });
});

describe('50 equal requests at once under one Idempotency-Key', () => {
  const working = useStack();
  const receiver = useReceiver();

  it('are one event, with one delivery to each webhook', async () => {
    const { id: projectId, client } = await working.project();
    await makeWebhook(client, `${receiver.url}/one`);
    await makeWebhook(client, `${receiver.url}/two`);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        client.post('/v1/events', event, { 'idempotency-key': 'order-1' }),
      ),
    );
    const eventId = answers[0]!.body.data.id as string;
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    expect(new Set(answers.map(({ body }) => body.data.id))).toEqual(new Set([eventId]));
    expect(answers.filter(({ body }) => !body.data.duplicate)).toHaveLength(1);
    expect(await working.store.events.model.countDocuments({ projectId })).toBe(1);

    await eventually('both are delivered', async () => {
      const list = await client.get(`/v1/deliveries?eventId=${eventId}&status=succeeded`);
      return list.body.data.deliveries.length === 2;
    });
    expect(await working.store.deliveries.model.countDocuments({ eventId })).toBe(2);
    expect(receiver.requests.map(({ path }) => path).toSorted()).toEqual(['/one', '/two']);
  });
});
