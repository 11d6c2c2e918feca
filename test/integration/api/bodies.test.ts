import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { newId } from '../../../src/contracts/ids';
import type { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { documentedRoutes } from '../../support/documented-routes';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const stack = useStack({}, { worker: false });
let projectId: string;
let client: ApiClient;
beforeAll(async () => {
  ({ id: projectId, client } = await stack.project());
});

const expectNothingStored = async (ask: () => Promise<void>): Promise<void> => {
  const before = await stored(stack);
  await ask();
  expect(await stored(stack)).toEqual(before);
};

describe('a body', () => {
  it.each(['"text"', 'null', '42', '[]'])('that is not an object is refused: %s', (body) =>
    expectNothingStored(async () => {
      const webhook = `/v1/webhooks/${newId('webhook')}`;
      for (const answer of [
        await client.post('/v1/events', body),
        await client.post('/v1/events/batch', body),
        await client.send('PATCH', webhook, body),
        await client.post(`${webhook}/pause`, body),
      ]) {
        expectRefusal(answer, 'validation_failed', ['body']);
        expect(answer.body.error.message).toBe('body must be an object');
      }
    }),
  );

  it.each<[title: string, data: string, fields: string[]]>([
    ['too large', '{"total":1e400}', ['data.total']],
    ['too small, deep inside', '{"lines":[{"net":1},{"net":-1e999}]}', ['data.lines.1.net']],
  ])('with a number that JavaScript can’t hold is refused, naming it: %s', (_title, data, fields) =>
    expectNothingStored(async () => {
      const body = `{"type":"contact.created","data":${data}}`;
      expectRefusal(await client.post('/v1/events', body), 'validation_failed', fields);
      const batch = await client.post('/v1/events/batch', `{"events":[${body}]}`);
      const inBatch = fields.map((field) => `events.0.${field}`);
      expectRefusal(batch, 'validation_failed', inBatch);
    }),
  );

  it('without a required field is refused with its name', async () => {
    const { body } = await client.post('/v1/events', {});
    expect(body.error.details).toEqual([
      { field: 'type', message: 'is required' },
      { field: 'data', message: 'is required' },
    ]);
    const key = await client.post(`/v1/projects/${projectId}/keys`, { name: 'A' });
    expect(key.body.error.details).toEqual([{ field: 'role', message: 'is required' }]);
    const event = await client.post('/v1/events', { type: 'email.group_unsubscribed', data: {} });
    expect(event.body.error.details).toEqual([{ field: 'data.test', message: 'is required' }]);
  });

  describe('where none is taken is refused, naming its fields:', () => {
    it.each([
      ['POST', `/v1/webhooks/${newId('webhook')}/pause`],
      ['POST', `/v1/webhooks/${newId('webhook')}/resume/`],
      ['POST', `/v1/deliveries/${newId('delivery')}/replay`],
      ['POST', `/v1/deliveries/${newId('delivery')}/retry`],
      ['POST', `/v1/deliveries/${newId('delivery')}/cancel`],
      ['POST', `/V1/Replays/${newId('replay')}/cancel`],
      ['DELETE', `/v1/webhooks/${newId('webhook')}`],
      ['DELETE', `/v1/events/${newId('event')}`],
    ])('%s %s', async (method, path) => {
      const refused = await client.send(method, path, { hours: 1, why: 'because' });
      expectRefusal(refused, 'validation_failed', ['hours', 'why']);
      expectRefusal(await client.send(method, path, {}), 'not_found');
      expectRefusal(await client.send(method, path), 'not_found');
    });
  });

  it.each(['A\u0000B', 'A\nB', 'A\u007f', '\u0085A'])('may not hold the name %j', async (name) => {
    const webhook = { url: 'https://example.com/', events: ['*'] };
    for (const answer of [
      await stack.admin.post('/v1/projects', { name }),
      await client.post(`/v1/projects/${projectId}/keys`, { name, role: 'reader' }),
      await client.post('/v1/webhooks', { ...webhook, name }),
    ]) {
      expectRefusal(answer, 'validation_failed', ['name']);
      expect(answer.body.error.message).toBe('name must not contain control characters');
    }
    const named = await client.post('/v1/webhooks', { ...webhook, name: ' Grüße, 世界 😀 ' });
    expect(named.body.data.name).toBe('Grüße, 世界 😀');
  });
});

describe('a body of unknown length', () => {
  // By one connection: what an answer has left unread would be in the way of the next request.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  afterAll(() => agent.destroy());

  const chunked = async (method: string, path: string, chunks: string[], type?: string) => {
    const sent = request(stack.url + path, {
      agent,
      method,
      headers: {
        authorization: `Bearer ${client.key}`,
        'transfer-encoding': 'chunked',
        ...(type !== undefined && { 'content-type': type }),
      },
    });
    for (const chunk of chunks) sent.write(chunk);
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const headers = new Headers(response.headers as Record<string, string>);
    return { status: response.statusCode!, headers, body: JSON.parse(await text(response)) };
  };

  it('needs no format if it is empty', async () => {
    const { id } = await makeWebhook(client, 'https://example.com/');
    for (const type of [undefined, 'text/plain', 'application/json', 'text/plain; charset=x']) {
      for (const action of ['pause', 'resume']) {
        expect((await chunked('POST', `/v1/webhooks/${id}/${action}`, [], type)).status).toBe(200);
      }
      const event = await chunked('POST', '/v1/events', [], type);
      expectRefusal(event, 'validation_failed', ['type', 'data']);
    }
    expect((await chunked('DELETE', `/v1/webhooks/${id}`, [])).status).toBe(200);
  });

  it('in another format than JSON is refused', () =>
    expectNothingStored(async () => {
      for (const path of ['/v1/webhooks', '/v1/events', '/v1/events/batch']) {
        for (const chunks of [['{}'], ['{', '}'], ['x'.repeat(1_000_000), 'y']]) {
          const answer = await chunked('POST', path, chunks);
          expectRefusal(answer, 'unsupported_media_type');
        }
      }
    }));
});

describe('a query', () => {
  const withoutQuery = documentedRoutes()
    .filter(({ path, query }) => query.length === 0 && path.startsWith('/v1/'))
    .map(({ method, path }) => [method, path] as const);

  it.each(withoutQuery)(
    'where none is taken is refused, naming it: %s %s',
    async (method, path) => {
      const query = '?dryRun=true&overlapHours=0';
      const answer = await client.send(method, path.replaceAll(/\{\w+\}/g, 'x') + query);
      expectRefusal(answer, 'validation_failed', ['dryRun', 'overlapHours']);
    },
  );

  it.each(['limit=1&limit=2', 'limit=0', 'limit=101', 'limit=1.5', 'limit=x', 'limit='])(
    'with an invalid limit is refused with the valid ones: ?%s',
    async (query) => {
      const answer = await client.get(`/v1/webhooks?${query}`);
      expectRefusal(answer, 'validation_failed', ['limit']);
      expect(answer.body.error.message).toBe('limit must be a whole number from 1 to 100');
    },
  );
});
