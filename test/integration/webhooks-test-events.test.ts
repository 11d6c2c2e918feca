import { getProfile } from '../../src/profiles';
import type { ApiClient, Answer } from '../support/api-client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { Stack } from '../support/stack';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal, stored } from './api/refusal';

const typesOf = (profile: string): string[] => getProfile(profile).events.map(({ type }) => type);
const sampleOf = (profile: string, type: string): Record<string, unknown> =>
  getProfile(profile).events.find((event) => event.type === type)!.sample;

const stack = useStack();
const receiver = useReceiver();
beforeEach(() => {
  receiver.requests.length = 0;
});

const test = (client: ApiClient, webhook: { id: string }, events?: string[]): Promise<Answer> =>
  client.post(`/v1/webhooks/${webhook.id}/test`, events && { events });

interface TestDelivery {
  id: string;
  eventType: string;
}
const deliveriesOf = (answer: Answer): TestDelivery[] =>
  answer.body.data.deliveries as TestDelivery[];

/** That event's fan-out has ended: what it has not planned by now, it never will. */
const fannedOut = (eventId: string): Promise<Date> =>
  eventually('the event is fanned out', async () => {
    return (await stack.store.events.find(eventId))?.fannedOutAt;
  });

describe('a test', () => {
  it('delivers the chosen type’s sample, signed and marked, to this webhook alone', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const other = await makeWebhook(client, `${receiver.url}/other`);
    const answer = await test(client, webhook, ['email.clicked']);
    expect(answer.status).toBe(202);
    expect(answer.body.data).toEqual({
      deliveries: [{ id: expect.stringMatching(/^dlv_/), eventType: 'email.clicked' }],
    });

    const { id } = deliveriesOf(answer)[0]!;
    const delivery = await deliveryWith(client, id, { status: 'succeeded' });
    expect(delivery).toMatchObject({ test: true, webhookId: webhook.id, replays: 0 });
    await fannedOut(delivery.eventId);
    const event = (await client.get(`/v1/events/${delivery.eventId}`)).body.data;
    expect(event).toMatchObject({
      type: 'email.clicked',
      test: true,
      data: { ...sampleOf('autosend', 'email.clicked'), test: true },
      deliveries: [{ id, test: true }],
    });
    const others = await client.get(`/v1/deliveries?webhookId=${other.id}`);
    expect(others.body.data.deliveries).toEqual([]);

    expect(receiver.requests).toHaveLength(1);
    const [{ headers, rawBody, path }] = receiver.requests as [(typeof receiver.requests)[0]];
    expect(path).toBe('/');
    expect(headers['x-webhook-event']).toBe('email.clicked');
    expect(headers['x-webhook-delivery-id']).toBe(id);
    expect(headers['x-webhook-test']).toBe('true');
    expect(JSON.parse(rawBody.toString())).toEqual({
      type: 'email.clicked',
      createdAt: event.createdAt,
      data: event.data,
    });
    // An ordinary delivery counts in the webhook's health.
    await eventually('it is counted', async () => {
      const { data } = (await client.get(`/v1/webhooks/${webhook.id}`)).body;
      return data.lastStatus === 200 && data.lastSuccessAt !== null;
    });
  });

  it('of no type in particular sends all that the webhook is subscribed to, in the profile’s order', async () => {
    const { client } = await stack.project({ profile: 'platform' });
    const all = await makeWebhook(client, receiver.url);
    expect(deliveriesOf(await test(client, all)).map(({ eventType }) => eventType)).toEqual(
      typesOf('platform'),
    );
    const some = await makeWebhook(client, receiver.url, { events: ['unsubscribe', 'click'] });
    expect(deliveriesOf(await test(client, some)).map(({ eventType }) => eventType)).toEqual([
      'email.click',
      'email.unsubscribe',
    ]);
    await receiver.waitFor(6);
  });

  it('takes short names and families, and types that the webhook is not subscribed to', async () => {
    const { client } = await stack.project({ profile: 'platform' });
    const webhook = await makeWebhook(client, receiver.url, { events: ['open'] });
    const chosen = deliveriesOf(await test(client, webhook, ['bounce']));
    expect(chosen.map(({ eventType }) => eventType)).toEqual(['email.bounce']);
    await deliveryWith(client, chosen[0]!.id, { status: 'succeeded' });
    const family = deliveriesOf(await test(client, webhook, ['email.*', 'open']));
    expect(family.map(({ eventType }) => eventType)).toEqual(typesOf('platform'));
    await receiver.waitFor(5);
  });

  it('reaches a disabled webhook, which gets nothing else', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    await client.patch(`/v1/webhooks/${webhook.id}`, { isActive: false });
    const [{ id }] = deliveriesOf(await test(client, webhook, ['email.sent'])) as [TestDelivery];
    await deliveryWith(client, id, { status: 'succeeded' });
    const event = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    await fannedOut(event.body.data.id);
    const skipped = await client.get(`/v1/deliveries?eventId=${event.body.data.id}`);
    expect(skipped.body.data.deliveries).toMatchObject([{ status: 'skipped', test: false }]);
    expect(receiver.requests).toHaveLength(1);
    expect((await client.get(`/v1/webhooks/${webhook.id}`)).body.data.isActive).toBe(false);
  });

  it('of a paused webhook is held until it is resumed', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    await client.post(`/v1/webhooks/${webhook.id}/pause`);
    const [{ id }] = deliveriesOf(await test(client, webhook, ['email.sent'])) as [TestDelivery];
    const held = (await client.get(`/v1/deliveries/${id}`)).body.data;
    expect(held).toMatchObject({ status: 'held', test: true });
    await fannedOut(held.eventId);
    expect(receiver.requests).toHaveLength(0);
    await client.post(`/v1/webhooks/${webhook.id}/resume`);
    await deliveryWith(client, id, { status: 'succeeded' });
  });

  it('can be replayed', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const [{ id }] = deliveriesOf(await test(client, webhook, ['email.sent'])) as [TestDelivery];
    await deliveryWith(client, id, { status: 'succeeded' });
    expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
    const replayed = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(replayed).toMatchObject({ test: true, attemptCount: 2 });
  });

  it('sends the data that is given instead of a sample, as it was written', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const text = '{ "email": "ada@example.com", "spent": 10.00, "id": 9007199254740993 }';
    const answer = await client.post(
      `/v1/webhooks/${webhook.id}/test`,
      `{"data":{"contact.deleted":${text}},"events":["contact.deleted","email.bounced"]}`,
    );
    expect(answer.status).toBe(202);
    expect(deliveriesOf(answer).map(({ eventType }) => eventType)).toEqual([
      'email.bounced',
      'contact.deleted',
    ]);
    await receiver.waitFor(2);
    const bodies = receiver.requests.map(({ rawBody }) => rawBody.toString());
    expect(bodies.filter((body) => body.endsWith(`,"data":${text}}`))).toHaveLength(1);
    expect(bodies.filter((body) => body.includes('"bounceType"'))).toHaveLength(1);
  });

  it('of nothing but data sends its types, by their short names too, and marks them in their data', async () => {
    const { client } = await stack.project({ profile: 'platform' });
    const webhook = await makeWebhook(client, receiver.url);
    const sample = sampleOf('platform', 'email.open');
    const answer = await client.post(`/v1/webhooks/${webhook.id}/test`, {
      data: { open: { ...sample, recipient: 'ada@example.com' } },
    });
    expect(deliveriesOf(answer).map(({ eventType }) => eventType)).toEqual(['email.open']);
    await receiver.waitFor(1);
    const { data } = JSON.parse(receiver.requests[0]!.rawBody.toString());
    expect(data).toEqual({ ...sample, recipient: 'ada@example.com' });

    const twice = { open: sample, 'email.open': sample };
    const refused = await client.post(`/v1/webhooks/${webhook.id}/test`, { data: twice });
    expectRefusal(refused, 'validation_failed', ['data.email.open']);

    const other = await stack.project();
    const marked = await makeWebhook(other.client, receiver.url);
    await other.client.post(`/v1/webhooks/${marked.id}/test`, {
      data: { 'email.sent': emailSent },
    });
    await receiver.waitFor(2);
    expect(JSON.parse(receiver.requests[1]!.rawBody.toString()).data.test).toBe(true);
  });

  it.each([
    ['what breaks the schema', { 'email.sent': {} }, undefined, 'data.email.sent.emailId'],
    [
      'a field too many',
      { 'contact.deleted': { email: 1 } },
      undefined,
      'data.contact.deleted.email',
    ],
    ['an unknown type', { 'email.exploded': {} }, undefined, 'data.email.exploded'],
    ['a type that is not sent', { 'contact.deleted': {} }, ['email.*'], 'data.contact.deleted'],
    ['data without its type', { emailId: 'e1' }, ['email.sent'], 'data.emailId'],
    ['a list', { 'contact.deleted': [] }, undefined, 'data.contact.deleted'],
    ['no object', 'contact.deleted', undefined, 'data'],
  ])(
    'refuses data that is wrong, by its field, and sends nothing: %s',
    async (_title, data, events, field) => {
      const { client } = await stack.project();
      const webhook = await makeWebhook(client, receiver.url);
      const before = await stored(stack);
      const refused = await client.post(`/v1/webhooks/${webhook.id}/test`, { data, events });
      expect(refused.status).toBe(422);
      expect(refused.body.error.details).toContainEqual({ field, message: expect.any(String) });
      expect(await stored(stack)).toEqual(before);
    },
  );

  it('suggests similar types for three unknown ones, and takes data for a hundred at most', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const ask = async (count: number): Promise<Answer> => {
      const unknown = Array.from({ length: count }, (_, n) => [`email.sent${n}`, {}]);
      const data = Object.fromEntries(unknown);
      return client.post(`/v1/webhooks/${webhook.id}/test`, { data });
    };
    const { status, body } = await ask(50);
    expect(status).toBe(422);
    const messages = body.error.details.map(({ message }: { message: string }) => message);
    expect(messages).toHaveLength(50);
    expect(messages.filter((one: string) => one.includes('Did you mean'))).toHaveLength(3);
    expectRefusal(await ask(101), 'validation_failed', ['data']);
  });

  it.each([
    ['an unknown type', ['email.sent', 'email.exploded'], ['events.1']],
    ['an empty list', [], ['events']],
  ])('refuses %s, and sends nothing', async (_title, events, fields) => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const before = await stored(stack);
    expectRefusal(await test(client, webhook, events), 'validation_failed', fields);
    expect(await stored(stack)).toEqual(before);
  });

  it('refuses unknown fields', async () => {
    const { client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    const refused = await client.post(`/v1/webhooks/${webhook.id}/test`, { type: 'email.sent' });
    expectRefusal(refused, 'validation_failed', ['type']);
  });

  it('is the owner’s, and finds only webhooks of its project', async () => {
    const { id, client } = await stack.project();
    const webhook = await makeWebhook(client, receiver.url);
    for (const role of ['reader', 'sender']) {
      expectRefusal(await test(await stack.client(id, role), webhook), 'forbidden');
    }
    const stranger = await stack.project();
    expectRefusal(await test(stranger.client, webhook), 'not_found');
  });
});

describe('without a worker', () => {
  let idle: Stack;
  beforeAll(async () => {
    idle = await Stack.start({}, { worker: false });
  });
  afterAll(() => idle.stop());

  it('a test’s deliveries are there with the answer', async () => {
    const { client } = await idle.project();
    const webhook = await makeWebhook(client, receiver.url);
    const answer = await test(client, webhook);
    expect(deliveriesOf(answer)).toHaveLength(typesOf('autosend').length);
    for (const { id, eventType } of deliveriesOf(answer)) {
      const delivery = (await client.get(`/v1/deliveries/${id}`)).body.data;
      expect(delivery).toMatchObject({ id, eventType, status: 'pending', test: true });
    }
  });
});

it.each(['autosend', 'platform', 'emailsendx', 'ahasend'])(
  'a test of the profile %s says so in a header, and a real event has no such header',
  async (profile) => {
    const { client } = await stack.project({ profile });
    const path = `/${profile}`;
    const webhook = await makeWebhook(client, receiver.url + path);
    const [type] = typesOf(profile) as [string];
    const sent = async (mark: string | undefined) =>
      receiver.waitFor((all) =>
        all.some(
          ({ path: at, headers, rawBody }) =>
            at === path && headers['x-webhook-test'] === mark && rawBody.includes(`"${type}"`),
        ),
      );
    await test(client, webhook, [type]);
    await sent('true');
    await client.post('/v1/events', { type, data: sampleOf(profile, type) });
    await sent(undefined);
  },
);

it('a test says so in its data where the type’s schema lets it', async () => {
  const { client } = await stack.project({ profile: 'custom' });
  const webhook = await makeWebhook(client, receiver.url);
  const define = (type: string, schema: object, sample: object) =>
    client.send('PUT', `/v1/event-types/${type}`, { description: type, schema, sample });
  const real = { properties: { test: { const: false } } };
  await define('order.real', real, { test: false });
  await define('order.word', {}, { test: 'words' });
  await define('order.free', {}, { test: false });
  const sent = deliveriesOf(await test(client, webhook, ['order.*']));
  const data = await Promise.all(
    sent.map(async ({ id, eventType }) => {
      const { eventId } = (await client.get(`/v1/deliveries/${id}`)).body.data;
      return [eventType, (await client.get(`/v1/events/${eventId}`)).body.data.data.test];
    }),
  );
  expect(Object.fromEntries(data)).toEqual({
    'order.real': false,
    'order.word': 'words',
    'order.free': true,
  });
});

it('a test whose process died before its fan-out is sent by reconcile, once', async () => {
  const { client, id: projectId } = await stack.project();
  const webhook = await makeWebhook(client, receiver.url);
  const [{ id }] = deliveriesOf(await test(client, webhook, ['email.sent'])) as [TestDelivery];
  const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
  // The same documents under other ids, as a process leaves them that dies right after storing them.
  const [event, delivery] = await Promise.all([
    stack.store.events.find(eventId),
    stack.store.deliveries.find(id),
  ]);
  const ids = { event: `${eventId.slice(0, -4)}dead`, delivery: `${id.slice(0, -4)}dead` };
  await stack.store.events.model.create({ ...event, _id: ids.event, fannedOutAt: null });
  await stack.store.deliveries.model.create({
    ...delivery,
    _id: ids.delivery,
    eventId: ids.event,
    status: 'pending',
    attempts: [],
    attemptCount: 0,
    runId: null,
    nextAttemptAt: new Date(),
    completedAt: null,
  });
  await stack.reconcile();
  await deliveryWith(client, ids.delivery, { status: 'succeeded' });
  await fannedOut(ids.event);
  const list = await client.get(`/v1/deliveries?eventId=${ids.event}`);
  expect(list.body.data.deliveries).toMatchObject([{ id: ids.delivery, projectId, replays: 0 }]);
});
