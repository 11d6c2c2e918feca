import { clock } from '../../../src/clock';
import { ApiClient, type Answer } from '../../support/api-client';
import { eventually } from '../../support/eventually';
import { EventStream } from '../../support/event-stream';
import { Stack } from '../../support/stack';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const AN_HOUR = 3_600_000;
/** Not long ago: MongoDB deletes keys that ended a month ago. */
const hasEnded = { $set: { expiresAt: new Date(Date.now() - AN_HOUR) } };

const stack = useStack({}, { worker: false });

describe('a key with an end', () => {
  it('is taken until then, and 401 from then on', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const expiresAt = inMs(AN_HOUR);
    const made = await client.post(path, { name: 'CI', role: 'owner', expiresAt });
    expect(made.status).toBe(201);
    expect(made.body.data.expiresAt).toBe(expiresAt);
    const guest = new ApiClient(stack.url, made.body.data.key);
    expect((await guest.get('/v1/webhooks')).status).toBe(200);
    // Its hour goes by.
    const _id = made.body.data.id as string;
    await stack.store.keys.model.updateOne({ _id }, hasEnded);
    stack.store.keys.known.forget({});
    const before = await stored(stack);
    const refused = await guest.post(path, { name: 'Another', role: 'owner' });
    expectRefusal(refused, 'unauthorized');
    expect(refused.body.error.message).toBe('this key has expired');
    expect(await stored(stack)).toEqual(before);
    // It can still be seen and revoked.
    expect((await client.delete(`${path}/${_id}`)).status).toBe(200);
  });

  it('makes keys that end no later', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const keyBy = async (by: ApiClient, expiresAt?: string | null) =>
      (await by.post(path, { name: 'A', role: 'owner', expiresAt })).body.data;
    const end = inMs(AN_HOUR);
    const made = await keyBy(client, end);
    const maker = new ApiClient(stack.url, made.key);
    for (const later of [undefined, null, inMs(2 * AN_HOUR)]) {
      expect((await keyBy(maker, later)).expiresAt).toBe(end);
    }
    const sooner = inMs(AN_HOUR / 2);
    expect((await keyBy(maker, sooner)).expiresAt).toBe(sooner);
    expect((await keyBy(stack.admin)).expiresAt).toBeNull();
  });

  it.each([
    ['in the past', inMs(-1000)],
    ['without a zone', '2999-01-01T00:00:00'],
    ['as a number', 32503680000000],
    ['as an operator', { $gt: '' }],
  ])('can not be given it %s', async (_title, expiresAt) => {
    const { id, client } = await stack.project();
    const answer = await client.post(`/v1/projects/${id}/keys`, {
      name: 'A',
      role: 'owner',
      expiresAt,
    });
    expectRefusal(answer, 'validation_failed', ['expiresAt']);
  });
});

describe('a key’s last use', () => {
  const lastUsedAt = async (path: string): Promise<string | null> =>
    (await stack.admin.get(path)).body.data.keys[0].lastUsedAt;

  it('is shown, and written once a minute however often it is used', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    expect(await lastUsedAt(path)).toBeNull();
    const before = clock.now().getTime();
    await client.get('/v1/webhooks');
    const first = await eventually('the use is noted', () => lastUsedAt(path));
    expect(Date.parse(first)).toBeGreaterThanOrEqual(before);
    await Promise.all(Array.from({ length: 20 }, () => client.get('/v1/webhooks')));
    expect(await lastUsedAt(path)).toBe(first);
    // The minute goes by.
    const aMinuteAgo = new Date(Date.parse(first) - 60_000);
    await stack.store.keys.model.updateOne({ projectId: id }, { $set: { lastUsedAt: aMinuteAgo } });
    stack.store.keys.known.forget({});
    await client.get('/v1/webhooks');
    await eventually(
      'the next use is noted',
      async () => Date.parse((await lastUsedAt(path))!) >= Date.parse(first),
    );
  });
});

describe('a client that guesses keys', () => {
  const LIMIT = 5;
  const limited = useStack(
    { POSTHORN_WRONG_KEYS_PER_MINUTE: String(LIMIT), POSTHORN_TRUSTED_PROXIES: '1' },
    { worker: false },
  );
  /** Of the client that guesses in a test, and of another one: limits are by address. */
  let address: string;
  let elsewhere: string;
  let tests = 0;
  beforeEach(() => {
    tests += 1;
    address = `203.0.113.${2 * tests}`;
    elsewhere = `203.0.113.${2 * tests + 1}`;
  });

  const from = (at: string, key: string, path = '/v1/webhooks'): Promise<Answer> =>
    new ApiClient(limited.url, key, { 'x-forwarded-for': at }).get(path);
  const guess = async (at: string, count: number): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (let n = 0; n < count; n += 1) answers.push(await from(at, `phk_guess${n}`));
    return answers;
  };

  it('does not do so by tokens of portal links that are not valid any more', async () => {
    const { client } = await limited.project();
    for (let n = 0; n < 2 * LIMIT; n += 1) {
      expectRefusal(await from(address, `php_body${n}.signature`), 'unauthorized');
    }
    expect((await from(address, client.key)).status).toBe(200);
  });

  it('has to wait, even with a right key, and others don’t', async () => {
    const { client } = await limited.project();
    for (const answer of await guess(address, LIMIT)) expectRefusal(answer, 'unauthorized');
    for (const key of ['phk_guess', client.key, limited.admin.key]) {
      const refused = await from(address, key);
      expectRefusal(refused, 'rate_limited');
      const retryAfter = Number(refused.headers.get('retry-after'));
      expect(retryAfter).toBeGreaterThan(0);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
    expect((await from(elsewhere, client.key)).status).toBe(200);
    expect((await client.get('/v1/webhooks')).status).toBe(200);
    expectRefusal(await from(elsewhere, 'phk_guess'), 'unauthorized');
  });

  it('is not one that repeats a key that was revoked: only that key has to wait', async () => {
    const { client } = await limited.project();
    const gone = await limited.project();
    await limited.admin.delete(`/v1/projects/${gone.id}`);
    const answers: number[] = [];
    for (let n = 0; n < 2 * LIMIT; n += 1) {
      answers.push((await from(address, gone.client.key)).status);
      expect((await from(address, client.key)).status).toBe(200);
    }
    expect(answers).toEqual([...Array(LIMIT).fill(401), ...Array(LIMIT).fill(429)]);
    expectRefusal(await from(elsewhere, gone.client.key), 'unauthorized');
    // It is still one guess.
    await guess(address, LIMIT - 1);
    expectRefusal(await from(address, client.key), 'rate_limited');
  });

  it('ends no stream of others behind its address', async () => {
    const { client } = await limited.project();
    const stream = await EventStream.open(limited.url, {
      authorization: `Bearer ${client.key}`,
      'x-forwarded-for': address,
    });
    try {
      await stream.next('ready');
      await guess(address, LIMIT);
      expectRefusal(await from(address, client.key), 'rate_limited');
      // At each heartbeat its rights are checked.
      for (let n = 0; n < 2; n += 1) {
        const { lastEventId } = stream;
        await eventually('a heartbeat comes', () => stream.lastEventId !== lastEventId);
      }
      expect(stream.isOver).toBe(false);
    } finally {
      stream.close();
    }
  });

  it('gains nothing by the other door, `?token=`', async () => {
    const { client } = await limited.project({ profile: 'platform' });
    const token = (at: string, key: string): Promise<Answer> =>
      from(at, '', `/api/webhooks/manage?token=${key}`);
    for (let n = 0; n < LIMIT; n += 1) {
      expectRefusal(await token(address, `phk_guess${n}`), 'unauthorized');
    }
    expectRefusal(await token(address, client.key), 'rate_limited');
    expectRefusal(await from(address, client.key), 'rate_limited');
    expect((await token(elsewhere, client.key)).status).toBe(200);
  });

  it.each([
    ['sec-fetch-site', 'cross-site'],
    ['origin', 'https://elsewhere.example'],
  ])('is not who opens a page of another origin that does: %s: %s', async (name, value) => {
    const { client } = await limited.project({ profile: 'platform' });
    const page = new ApiClient(limited.url, '', { 'x-forwarded-for': address, [name]: value });
    for (let n = 0; n <= LIMIT; n += 1) {
      expectRefusal(await page.get(`/api/webhooks/manage?token=phk_guess${n}`), 'forbidden');
    }
    expectRefusal(await page.get(`/api/webhooks/manage?token=${client.key}`), 'forbidden');
    expect((await from(address, client.key)).status).toBe(200);
  });

  it('gains nothing by claiming other addresses: only the proxies’ words count', async () => {
    const { client } = await limited.project();
    for (let n = 0; n < LIMIT; n += 1) {
      await from(`198.51.100.${n}, ${address}`, `phk_guess${n}`);
    }
    expectRefusal(await from(`198.51.100.99, ${address}`, client.key), 'rate_limited');
  });

  it('gains nothing by the many addresses of one IPv6 network', async () => {
    const { client } = await limited.project();
    for (let n = 0; n < LIMIT; n += 1) await from(`2001:db8:1:${n}::${n}`, `phk_guess${n}`);
    expectRefusal(await from('2001:db8:1:77::1', client.key), 'rate_limited');
    expect((await from('2001:db8:2::1', client.key)).status).toBe(200);
  });

  it.each([
    ['192.0.2.1', '192.0.2.2'],
    ['[2001:db8:3::1]', '[2001:db8:4::1]'],
  ])('gains nothing by other ports, where the proxy writes them: %s:<port>', async (at, other) => {
    const { client } = await limited.project();
    for (let n = 0; n < LIMIT; n += 1) await from(`${at}:${50_000 + n}`, `phk_guess${n}`);
    expectRefusal(await from(`${at}:443`, client.key), 'rate_limited');
    expectRefusal(await from(at.replace(/[[\]]/g, ''), client.key), 'rate_limited');
    expect((await from(`${other}:443`, client.key)).status).toBe(200);
  });

  it('is not who sends no key, an expired one, or the right one', async () => {
    const { id, client } = await limited.project();
    const made = await client.post(`/v1/projects/${id}/keys`, { name: 'A', role: 'owner' });
    const { id: _id, key } = made.body.data;
    await limited.store.keys.model.updateOne({ _id }, hasEnded);
    for (let n = 0; n < LIMIT + 1; n += 1) {
      for (const other of ['', key, client.key]) await from(address, other);
    }
    expect((await from(address, client.key)).status).toBe(200);
  });
});

it('without a counted proxy, the address is the connection’s, whatever is claimed', async () => {
  const direct = await Stack.start({ POSTHORN_WRONG_KEYS_PER_MINUTE: '2' }, { worker: false });
  const { client } = await direct.project();
  for (let n = 0; n < 2; n += 1) {
    const claimed = { 'x-forwarded-for': `203.0.113.${n}` };
    await new ApiClient(direct.url, `phk_guess${n}`, claimed).get('/v1/webhooks');
  }
  expectRefusal(await client.get('/v1/webhooks'), 'rate_limited');
  await direct.stop();
});
