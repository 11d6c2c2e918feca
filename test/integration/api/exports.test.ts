import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { newId } from '../../../src/contracts/ids';
import { ApiClient } from '../../support/api-client';
import { say } from '../../support/connections';
import { findPython } from '../../support/python';
import { useStack } from '../../support/use';
import { linesOf, receive } from './exported';
import { idAt, insertDeliveries, insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const stack = useStack({}, { worker: false });
const DELIVERIES = 1203;
const expiresAt = new Date(Date.now() + 3_600_000);

/** CSV as Python reads it. */
function readCsv(text: string): Record<string, string>[] {
  const program = `import csv, io, json, sys
print(json.dumps(list(csv.DictReader(io.StringIO(sys.stdin.buffer.read().decode(), newline="")))))`;
  const read = spawnSync(findPython(), ['-c', program], { input: text, encoding: 'utf8' });
  expect(read.stderr).toBe('');
  return JSON.parse(read.stdout) as Record<string, string>[];
}

/**
 * How the answer to a request ends, as Python sees it: Node as a client takes a reset that comes together with data for
 * a regular end.
 */
async function endOf(request: string): Promise<string> {
  const program = `import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(sys.argv[2].encode())
try:
    while connection.recv(65536):
        pass
    print("regular")
except ConnectionResetError:
    print("reset")`;
  const { port } = new URL(stack.url);
  const python = spawn(findPython(), ['-c', program, port, request], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let end = '';
  python.stdout.on('data', (part: Buffer) => (end += part.toString()));
  await once(python, 'close');
  return end.trim();
}

async function listed(client: ApiClient, path: string, plural: string): Promise<unknown[]> {
  const items: unknown[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const at: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { data } = (await client.get(`${path}${at}`)).body;
    items.push(...data[plural]);
    cursor = data.nextCursor;
  }
  return items;
}

describe('an export of deliveries', () => {
  let client: ApiClient;
  let webhookId: string;
  beforeAll(async () => {
    const project = await stack.project();
    client = project.client;
    webhookId = newId('webhook');
    const documents = Array.from({ length: DELIVERIES }, (_, n) => {
      const createdAt = new Date(Date.now() - (DELIVERIES - n) * 1000);
      return {
        _id: idAt('delivery', createdAt),
        projectId: project.id,
        eventId: newId('event'),
        webhookId: n % 100 === 0 ? webhookId : newId('webhook'),
        eventType: n % 2 === 0 ? 'email.sent' : 'contact.created',
        status: n % 3 === 0 ? 'failed' : 'succeeded',
        createdAt,
        completedAt: createdAt,
        expiresAt,
      };
    });
    await stack.store.deliveries.model.insertMany(documents);
  });

  /** Older than what an ascending list leaves out for now. */
  const until = new Date(Date.now() - 60_000).toISOString();
  it.each([
    '',
    '&status=failed,held',
    '&type=email.sent&status=succeeded',
    `&order=asc&until=${until}`,
    '&limit=501',
    '&limit=1',
  ])('has what all pages of the list have, in their order: %s', async (filter) => {
    const limit = Number(/limit=(\d+)/.exec(filter)?.[1] ?? Infinity);
    const paged = filter.replace(/&limit=\d+/, '');
    const expected = await listed(client, `/v1/deliveries?limit=100${paged}`, 'deliveries');
    const shown = expected.slice(0, limit);
    const ndjson = await receive(client, `/v1/deliveries/export?format=ndjson${filter}`);
    expect(ndjson).toMatchObject({ status: 200, isComplete: true });
    expect(linesOf(ndjson.text)).toEqual(shown);
    expect(ndjson.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    expect(ndjson.headers['content-disposition']).toMatch(
      /^attachment; filename=posthorn-deliveries-\d{4}-\d\d-\d\dT\d{6}Z\.ndjson$/,
    );
    expect(ndjson.headers.trailer).toBe('X-Export-Count');
    expect(ndjson.trailers).toEqual({ 'x-export-count': String(shown.length) });

    const csv = await receive(client, `/v1/deliveries/export?format=csv${filter}`);
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.headers['content-disposition']).toMatch(/Z\.csv$/);
    expect(csv.trailers).toEqual({ 'x-export-count': String(shown.length) });
    const rows = readCsv(csv.text);
    expect(rows.map(({ id }) => id)).toEqual(shown.map((one) => (one as { id: string }).id));
    expect(rows[0]).toMatchObject({ status: expect.any(String), completedAt: /Z$/ as never });
  });

  it('of nothing has a header row, or nothing', async () => {
    const { client: other } = await stack.project();
    expect(await receive(other, '/v1/deliveries/export')).toMatchObject({
      status: 200,
      text: '',
      isComplete: true,
      trailers: { 'x-export-count': '0' },
    });
    const { text } = await receive(other, '/v1/deliveries/export?format=csv');
    expect(text).toMatch(/^id,eventId,webhookId,projectId,eventType,status,[\w.,]+\r\n$/);
  });

  it('that fails is broken off for HTTP/1.0, to which any other end looks complete', async () => {
    const { deliveries } = stack.store;
    const key = `Authorization: Bearer ${client.key}`;
    const asked = `GET /v1/deliveries/export HTTP/1.0\r\n${key}\r\n\r\n`;
    expect(await endOf(asked)).toBe('regular');
    const list = jest.spyOn(deliveries, 'list').mockImplementation(async (...args) => {
      if (args[2].cursor !== undefined) throw new Error('out of order');
      return Object.getPrototypeOf(deliveries).list.apply(deliveries, args);
    });
    expect(await endOf(asked)).toBe('reset');
    list.mockRestore();
  });

  it('is answered to HTTP/1.0 too, which has no trailers', async () => {
    const key = `Authorization: Bearer ${client.key}`;
    const asked = `GET /v1/deliveries/export?limit=2 HTTP/1.0\r\n${key}\r\n\r\n`;
    const socket = await say(Number(new URL(stack.url).port), asked);
    let answer = '';
    socket.on('data', (part: Buffer) => (answer += part.toString()));
    await once(socket, 'close');
    const [head, body] = answer.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).not.toMatch(/trailer|chunked/i);
    expect(linesOf(body!)).toHaveLength(2);
  });

  it('continues behind a cursor, which is the last id that arrived', async () => {
    const all = linesOf((await receive(client, '/v1/deliveries/export')).text);
    const cursor = all[700]!.id as string;
    const rest = linesOf((await receive(client, `/v1/deliveries/export?cursor=${cursor}`)).text);
    expect(rest).toEqual(all.slice(701));
  });

  it('is for those who may list, of their project, with the filters of the list', async () => {
    const { id, client: other } = await stack.project();
    const ofOther = await insertDelivery(stack, { projectId: id });
    const [own] = linesOf((await receive(other, '/v1/deliveries/export')).text);
    expect(own!.id).toBe(ofOther);
    const reader = await stack.client(id, 'reader');
    expect((await reader.get('/v1/deliveries/export')).status).toBe(200);
    const sender = await stack.client(id, 'sender');
    expectRefusal(await sender.get('/v1/deliveries/export'), 'forbidden');
    for (const [query, field] of [
      ['format=xml', 'format'],
      ['limit=0', 'limit'],
      ['limit=x', 'limit'],
      ['status=lost', 'status'],
      ['webhookId=x', 'webhookId'],
      ['cursor=x', 'cursor'],
      ['since=yesterday', 'since'],
      ['colour=red', 'colour'],
    ]) {
      const refused = await other.get(`/v1/deliveries/export?${query}`);
      expectRefusal(refused, 'validation_failed', [field!]);
    }
    const unknown = await other.get('/v1/deliveries/export?webhookId=ext:nobody');
    expectRefusal(unknown, 'not_found');
    expectRefusal(await stack.admin.get('/v1/deliveries/export'), 'validation_failed', [
      'x-project-id',
    ]);
  });

  it('says by HEAD what it would be, and reads nothing', async () => {
    const list = jest.spyOn(stack.store.deliveries, 'list');
    const head = await client.send('HEAD', '/v1/deliveries/export?format=csv');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(list).not.toHaveBeenCalled();
    list.mockRestore();
  });

  it.each(['ndjson', 'csv'])(
    'that fails before its first page is refused like a list; later its last line says so: %s',
    async (format) => {
      const { deliveries } = stack.store;
      let calls = 0;
      let failing = 1;
      const list = jest.spyOn(deliveries, 'list').mockImplementation(async (...args) => {
        calls += 1;
        if (calls === failing) throw new Error('out of order');
        return Object.getPrototypeOf(deliveries).list.apply(deliveries, args);
      });
      const path = `/v1/deliveries/export?format=${format}`;
      expectRefusal(await client.get(path), 'internal_error');
      [calls, failing] = [0, 2];
      const { status, isComplete, trailers, text } = await receive(client, path);
      list.mockRestore();
      expect({ status, isComplete, trailers }).toEqual({
        status: 200,
        isComplete: false,
        trailers: {},
      });
      const lines = text.split('\n');
      // 500 items, the error, and nothing after it.
      expect(lines).toHaveLength(format === 'csv' ? 503 : 502);
      const last = lines.at(-2)!;
      if (format === 'csv') expect(last).toMatch(/^#error,internal_error,.*,req_[0-9a-f]{32}\r$/);
      else {
        expect(JSON.parse(last)).toEqual({
          error: {
            code: 'internal_error',
            message: expect.any(String),
            requestId: expect.stringMatching(/^req_/),
          },
        });
      }
      // What went wrong is for the log.
      expect(text).not.toContain('out of order');
    },
  );
});

describe('an export', () => {
  it.each(['key', 'link'])('ends with its %s, also under way', async (by) => {
    const { id, client: owner } = await stack.project();
    await insertDeliveries(
      stack,
      Array.from({ length: 501 }, () => ({ projectId: id })),
    );
    const reader = { name: 'Reader', role: 'reader' };
    const path = by === 'key' ? `/v1/projects/${id}/keys` : '/v1/portal-links';
    const made = await owner.post(path, by === 'key' ? reader : { capabilities: 'read' });
    const { id: madeId, key, token } = made.body.data as Record<string, string>;
    const { deliveries } = stack.store;
    const list = jest.spyOn(deliveries, 'list').mockImplementation(async (...args) => {
      const page = await Object.getPrototypeOf(deliveries).list.apply(deliveries, args);
      // While its second page is read.
      if (args[2].cursor !== undefined)
        await owner.delete(by === 'key' ? `${path}/${madeId}` : path);
      return page;
    });
    const client = new ApiClient(stack.url, (key ?? token)!);
    const { status, isComplete, text } = await receive(client, '/v1/deliveries/export');
    list.mockRestore();
    expect({ status, isComplete }).toEqual({ status: 200, isComplete: false });
    const lines = linesOf(text);
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toEqual({ error: expect.objectContaining({ code: 'unauthorized' }) });
  });
});

describe('an export of events', () => {
  it('has their data as it was written, in one line each, only if that is asked for', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    await client.send('PUT', '/v1/event-types/order.paid', {
      description: 'Paid',
      schema: { type: 'object' },
      sample: {},
    });
    const texts = [
      '{"total": 10.00, "big": 9007199254740993,\r\n\t"note": "a\\nb"}',
      '{"formula": "=1+1", "quote": "say \\"hi\\", twice"}',
    ];
    for (const text of texts) {
      await client.post('/v1/events', `{"type":"order.paid","data":${text}}`);
    }
    const expunged = await client.post('/v1/events', { type: 'order.paid', data: { secret: 1 } });
    await client.delete(`/v1/events/${expunged.body.data.id}`);

    const bare = await receive(client, '/v1/events/export');
    const list = (await client.get('/v1/events')).body.data.events;
    expect(linesOf(bare.text)).toEqual(list);
    expect(readCsv((await receive(client, '/v1/events/export?format=csv')).text)[0]).toEqual({
      id: list[0].id,
      projectId: list[0].projectId,
      type: 'order.paid',
      createdAt: list[0].createdAt,
      acceptedAt: list[0].acceptedAt,
      test: 'false',
      expungedAt: list[0].expungedAt,
    });

    const whole = await receive(client, '/v1/events/export?include=data');
    const withData = (await client.get('/v1/events?include=data')).body.data.events;
    expect(linesOf(whole.text)).toEqual(withData);
    expect(whole.text).toContain('"data":{"total": 10.00, "big": 9007199254740993, \t"note"');
    const csv = await receive(client, '/v1/events/export?include=data&format=csv');
    expect(readCsv(csv.text).map(({ data }) => data)).toEqual(['', texts[1], texts[0]]);
    expectRefusal(await client.get('/v1/events/export?include=body'), 'validation_failed', [
      'include',
    ]);
  });
});
