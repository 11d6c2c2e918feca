import * as fc from 'fast-check';
import type { ApiClient } from '../support/api-client';
import { makeWebhook } from '../support/deliveries';
import { objectText } from '../support/json-documents';
import { Receiver, type ReceivedRequest } from '../support/receiver';
import { Stack } from '../support/stack';
import { useStack } from '../support/use';

const PATIENT_MS = 30_000;
/** Of the documents on their way. */
const AT_ONCE = 25;
const ANY = { description: 'Anything', schema: { type: 'object' }, sample: {} };

const stack = useStack();

/** A project of its own event types, with a receiver of all of them. */
async function begin(): Promise<{
  client: ApiClient;
  receiver: Receiver;
  webhook: { id: string };
}> {
  const receiver = await Receiver.start();
  const { client } = await stack.project({ profile: 'custom' });
  expect((await client.send('PUT', '/v1/event-types/any.thing', ANY)).status).toBe(201);
  const webhook = await makeWebhook(client, receiver.url);
  return { client, receiver, webhook };
}

const dataIn = ({ rawBody }: ReceivedRequest): string => {
  const body = rawBody.toString();
  expect(body).toMatch(/^\{"type":"any\.thing","timestamp":"[^"]+","data":\{/);
  return body.slice(body.indexOf(',"data":') + 8, -1);
};

/** An answer's own bytes. */
async function textOf(client: ApiClient, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${client.key}` };
  return (await fetch(client.url + path, { headers })).text();
}

const TEXTS = [
  '{"n":9007199254740993}',
  '{"n":1234567890123456789,"m":-1234567890123456789}',
  `{"n":${'9'.repeat(300)}}`,
  '{"n":10.00,"m":1e2,"o":1E+02,"p":0.1000000000000000055511151231257827}',
  '{"n":-0,"m":-0.0,"o":0e5}',
  '{"b":1,"a":2,"10":3,"2":4,"":5}',
  String.raw`{"a":"\u0041\/\u00e9é\ud83d\ude00😀","\u0062":"\u0000\u2028"}`,
  '{ "a" : [ 1 ,\t2 ],\r\n  "b" : { } }',
  '{"toString":1,"valueOf":[2],"constructor":{"prototype":{}},"hasOwnProperty":null,"then":1,"toJSON":"x","length":-1,"$ref":"#/x","$where":"1","a.b":1}',
  '{"text":"\u2028\ufeff</script>\u007f"}',
  '{"data":{"data":{"n":1.0}},"type":"x","events":[{"data":1.0}]}',
];

describe('the text of data arrives as it was posted', () => {
  it('in events and in batches, and is shown so', async () => {
    const { client, receiver } = await begin();
    const ids: string[] = [];
    for (const [n, text] of TEXTS.entries()) {
      // The name of `data` itself may be written with escapes too, and the body stand behind a mark.
      const name = n % 2 === 0 ? 'data' : String.raw`d\u0061ta`;
      const posted = await client.post(
        '/v1/events',
        `\ufeff{"${name}": ${text} ,"type":"any.thing"}`,
      );
      expect([text, posted.status]).toEqual([text, 202]);
      ids.push(posted.body.data.id as string);
    }
    const events = TEXTS.map((text) => `{"type":"any.thing","data":${text}}`).join(' , ');
    expect((await client.post('/v1/events/batch', `{"events":[${events}]}`)).status).toBe(202);

    const requests = await receiver.waitFor(2 * TEXTS.length);
    expect(requests.map(dataIn).toSorted()).toEqual([...TEXTS, ...TEXTS].toSorted());
    for (const [n, id] of ids.entries()) {
      expect(await textOf(client, `/v1/events/${id}`)).toContain(`"data":${TEXTS[n]},"expungedAt"`);
      const { body } = (await client.get(`/v1/events/${id}`)).body.data;
      expect(requests.map(({ rawBody }) => rawBody.toString())).toContain(body);
    }
    const list = await textOf(client, '/v1/events?limit=100&include=data');
    for (const text of TEXTS) expect(list).toContain(`"data":${text},"expungedAt"`);
    await receiver.close();
  });

  it('in test events, as the sample was; only a flag that says so is true', async () => {
    const { client, receiver, webhook } = await begin();
    const sample =
      '{ "total": 10.00, "id": 9007199254740993, "test" : false, "a": {"test":false} }';
    const type = `{"description":"Any","schema":{"properties":{"id":{"const":1}}},"sample":${sample}}`;
    const refused = await client.send('PUT', '/v1/event-types/any.thing', type);
    expect(refused.body.error.details).toMatchObject([{ field: 'sample.id' }]);
    const taken = await client.send(
      'PUT',
      '/v1/event-types/any.thing',
      type.replace('{"const":1}', '{}'),
    );
    expect(taken.status).toBe(200);
    expect(await textOf(client, '/v1/event-types')).toContain(`"sample":${sample}`);
    const body = { events: ['any.thing'] };
    expect((await client.post(`/v1/webhooks/${webhook.id}/test`, body)).status).toBe(202);
    const [request] = await receiver.waitFor(1);
    expect(dataIn(request!)).toBe(sample.replace('"test" : false', '"test" : true'));
    await receiver.close();
  });
});

describe('a whole number beyond 2^53', () => {
  it('is judged by filters as what it is', async () => {
    const { client, receiver, webhook } = await begin();
    const filter = '{"data.n":{"$gt":9007199254740992}}';
    const set = await client.send('PATCH', `/v1/webhooks/${webhook.id}`, `{"filter":${filter}}`);
    expect(set.status).toBe(200);
    const posted = ['9007199254740992', '9007199254740993', '9007199254740991.0', '1e16'];
    const events = posted.map((n) => `{"type":"any.thing","data":{"n":${n}}}`).join(',');
    expect((await client.post('/v1/events/batch', `{"events":[${events}]}`)).status).toBe(202);
    const requests = await receiver.waitFor(2);
    expect(requests.map(dataIn).toSorted()).toEqual(['{"n":1e16}', '{"n":9007199254740993}']);
    await receiver.close();
  });

  it.each(['1e16', '1e23', '9e99'])('is found by filters as it is written there: %s', async (n) => {
    const { client, receiver, webhook } = await begin();
    const filter = `{"data.n":{"$gte":${n},"$lte":${n}}}`;
    await client.send('PATCH', `/v1/webhooks/${webhook.id}`, `{"filter":${filter}}`);
    const event = `{"type":"any.thing","data":{"n":${n}}}`;
    expect((await client.post('/v1/events', event)).status).toBe(202);
    expect((await receiver.waitFor(1)).map(dataIn)).toEqual([`{"n":${n}}`]);
    await receiver.close();
  });

  it('is checked by schemas exactly, and may not be in a schema where it would be rounded', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const put = (schema: string): Promise<{ status: number; body: { error?: object } }> =>
      client.send(
        'PUT',
        '/v1/event-types/any.thing',
        `{"description":"Any","schema":{"properties":{"n":${schema}}},"sample":{}}`,
      );
    for (const [schema, taken, refused] of [
      ['{"type":"integer","maximum":9007199254740992}', '9007199254740992', '9007199254740993'],
      ['{"minimum":9007199254740992}', '9007199254740993', '9007199254740991'],
      ['{"exclusiveMaximum":1e23}', '99999999999999999999999', '100000000000000000000000'],
      ['{"multipleOf":10}', '12345678901234567890', '12345678901234567891'],
      ['{"const":9007199254740992}', '9007199254740992.0', '9007199254740993'],
      ['{"enum":[1,9007199254740992]}', '9007199254740992', '9007199254740993'],
      [
        '{"uniqueItems":true}',
        '[9007199254740992,9007199254740993]',
        '[9007199254740993,9007199254740993]',
      ],
      [
        '{"const":{"a":[9007199254740992]}}',
        '{"a":[9007199254740992]}',
        '{"a":[9007199254740993]}',
      ],
      ['{"multipleOf":0.01}', '19.99', '19.995'],
    ]) {
      expect((await put(schema!)).status).toBeLessThan(300);
      const post = (n: string) =>
        client.post('/v1/events', `{"type":"any.thing","data":{"n":${n}}}`);
      expect([schema, (await post(taken!)).status]).toEqual([schema, 202]);
      const answer = await post(refused!);
      expect([schema, answer.body.error?.details]).toMatchObject([schema, [{ field: 'data.n' }]]);
    }
    const rounded = await put('{"maximum":9007199254740993}');
    expect(rounded.body.error).toMatchObject({
      details: [{ field: 'schema.properties.n.maximum' }],
    });
  });
});

test('ten thousand documents arrive byte for byte as they were posted', async () => {
  // Straight from the store to the wire: the way through Temporal is the tests' above. Express, since none of ten
  // thousand workflows would run.
  const still = await Stack.start({}, { worker: false });
  const { client } = await still.project({ profile: 'custom', dispatch: 'express' });
  expect((await client.send('PUT', '/v1/event-types/any.thing', ANY)).status).toBe(201);
  const receiver = await Receiver.start();
  const seed = Number(process.env.TEST_SEED ?? Date.now());
  const texts = fc.sample(objectText, { numRuns: 10_000, seed });
  for (let start = 0; start < texts.length; start += 500) {
    const some = texts.slice(start, start + 500);
    const events = some.map((text) => `{"type":"any.thing","data":${text}}`).join(',');
    const posted = await client.post('/v1/events/batch', `{"events":[${events}]}`);
    expect([seed, start, posted.status, posted.body.error]).toEqual([seed, start, 202, undefined]);
    const accepted = posted.body.data.events as { id: string; createdAt: string }[];
    for (let next = 0; next < accepted.length; next += AT_ONCE) {
      const sent = await Promise.all(
        accepted.slice(next, next + AT_ONCE).map(async ({ id }) => {
          const { body } = (await still.store.events.find(id))!;
          const url = `${receiver.url}/${id}`;
          const request = { url, headers: {}, body: body!, timeoutMs: PATIENT_MS };
          return still.sender.send(request);
        }),
      );
      expect(sent.filter(({ kind }) => kind !== 'response')).toEqual([]);
    }
    const arrived = new Map(receiver.requests.map(({ path, rawBody }) => [path, rawBody]));
    for (const [n, { id, createdAt }] of accepted.entries()) {
      const promised = `{"type":"any.thing","timestamp":"${createdAt}","data":${some[n]}}`;
      if (arrived.get(`/${id}`)!.toString() !== promised) {
        expect([seed, arrived.get(`/${id}`)!.toString()]).toEqual([seed, promised]);
      }
    }
    receiver.requests.length = 0;
  }
  await Promise.all([receiver.close(), still.stop()]);
}, 600_000);
