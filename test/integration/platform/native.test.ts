import { PROVIDER_NAMES, type ProviderName } from '../../../src/providers';
import type { ApiClient } from '../../support/api-client';
import { eventually } from '../../support/eventually';
import { useStack } from '../../support/use';
import { fixture } from '../../unit/providers/fixtures';
import { newSigner, type Sign, type Signed } from '../../unit/providers/sign';
import { expectRefusal } from '../api/refusal';
import { postNative, postRaw } from './post-native';

/** One sample of each provider that becomes events, and which. */
const SAMPLES: Record<ProviderName, { name: string; becomes: string[] }> = {
  resend: { name: 'clicked', becomes: ['email.click'] },
  sendgrid: {
    name: 'batch',
    becomes: [
      'email.open',
      'email.click',
      'email.bounce',
      'email.unsubscribe',
      'email.unsubscribe',
    ],
  },
  mailgun: { name: 'failed-permanent', becomes: ['email.bounce'] },
};

const stack = useStack({}, { worker: false });
let client: ApiClient;
let projectId: string;

beforeEach(async () => {
  const project = await stack.project({ profile: 'platform' });
  projectId = project.id;
  client = await stack.client(projectId, 'sender');
});

/** The types of the project's events, oldest first. */
async function eventTypes(): Promise<string[]> {
  const found = await stack.store.events.model.find({ projectId }).sort({ _id: 1 }).lean();
  return found.map(({ type }) => type);
}

const kept = (): Promise<number> => stack.store.inbound.model.countDocuments({ projectId });

/** Gives the project a key for that provider. */
async function withKey(provider: ProviderName): Promise<Sign> {
  const { key, sign } = newSigner(provider);
  const { status } = await stack.admin.patch(`/v1/projects/${projectId}`, {
    providerKeys: { [provider]: key },
  });
  expect(status).toBe(200);
  return sign;
}

describe.each(PROVIDER_NAMES)('%s', (provider) => {
  const { name, becomes } = SAMPLES[provider];
  const body = fixture(provider, name);

  it('is taken as it is while the project has no key for it', async () => {
    const answer = await postNative(client, provider, { body, headers: {} });
    expect([answer.status, answer.body]).toEqual([200, { received: true }]);
    expect(await eventTypes()).toEqual(becomes);
  });

  it('is taken when it is signed with the key', async () => {
    const sign = await withKey(provider);
    const answer = await postNative(client, provider, sign(body));
    expect([answer.status, answer.body]).toEqual([200, { received: true }]);
    expect(await eventTypes()).toEqual(becomes);
    const verified = await stack.store.inbound.model.distinct('verified', { projectId });
    expect(verified).toEqual([true]);
  });

  it('is refused with one byte of the signature changed, without a signature, and when stale', async () => {
    const sign = await withKey(provider);
    const requests = [
      changeSignature[provider](sign(body)),
      newSigner(provider).sign(body),
      sign(body, new Date(Date.now() - 10 * 3_600_000)),
      { body: sign(body).body, headers: {} },
    ];
    // Mailgun's signature is in the body.
    if (provider === 'mailgun') requests.pop();
    for (const request of requests) {
      expectRefusal(await postNative(client, provider, request), 'unauthorized');
    }
    expect([await eventTypes(), await kept()]).toEqual([[], 0]);
  });

  it('is kept as it came in', async () => {
    await postNative(client, provider, { body, headers: {} });
    const found = await stack.store.inbound.model.find({ projectId }).sort({ _id: 1 }).lean();
    const payloads = found.map(({ payload }) => payload);
    const sent = JSON.parse(body.toString()) as { signature?: unknown };
    // With it somebody else could send reports.
    delete sent.signature;
    if (provider === 'resend') expect(payloads).toEqual([body.toString()]);
    else expect(payloads.map((payload) => JSON.parse(payload))).toEqual([sent].flat());
    const eventIds = found.flatMap(({ eventId }) => eventId ?? []);
    expect(eventIds).toHaveLength(becomes.length);
    const reader = await stack.client(projectId, 'reader');
    const { reports } = (await reader.get('/v1/reports')).body.data;
    expect(reports).toEqual(
      found.toReversed().map(({ _id, type, eventId, receivedAt }) => ({
        id: _id,
        provider,
        type,
        outcome: eventId === null ? 'kept' : 'event',
        eventId,
        reason: eventId === null ? 'this type does not become an event' : null,
        verified: false,
        receivedAt: receivedAt.toISOString(),
      })),
    );
  });

  it('sent again, one by one or many at once, changes nothing', async () => {
    const sign = await withKey(provider);
    const signed = sign(body);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => postNative(client, provider, signed)),
    );
    answers.push(await postNative(client, provider, signed));
    expect(answers.map((answer) => [answer.status, answer.body])).toEqual(
      answers.map(() => [200, { received: true }]),
    );
    expect((await eventTypes()).toSorted()).toEqual(becomes.toSorted());
    expect(await kept()).toBe(provider === 'sendgrid' ? 11 : 1);
  });

  it('of two projects with the same id are two', async () => {
    const sign = newSigner(provider).sign(body);
    const other = await stack.project({ profile: 'platform' });
    await postNative(client, provider, sign);
    await postNative(other.client, provider, sign);
    expect(await eventTypes()).toEqual(becomes);
    expect(await stack.store.events.model.countDocuments({ projectId: other.id })).toBe(
      becomes.length,
    );
  });

  it.each([
    ['', 'malformed_json'],
    ['{', 'malformed_json'],
    ['null', 'validation_failed'],
    ['"x"', 'validation_failed'],
    ['[[]]', 'validation_failed'],
    ['{"type":1}', 'validation_failed'],
    [`{"data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'validation_failed'],
  ] as const)('refuses a body like %.20s as %s', async (malformed, code) => {
    const answer = await postNative(client, provider, {
      body: Buffer.from(malformed),
      headers: {},
    });
    expect([answer.status, answer.body.error.code]).toEqual([
      code === 'malformed_json' ? 400 : 422,
      code,
    ]);
  });

  it('refuses bytes that are not UTF-8, and bodies over 5 MiB', async () => {
    const bytes = Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const refused = await postNative(client, provider, { body: bytes, headers: {} });
    expectRefusal(refused, 'malformed_json');
    const huge = Buffer.from(`"${'x'.repeat(5 * 1024 * 1024)}"`);
    const tooLarge = await postNative(client, provider, { body: huge, headers: {} });
    expectRefusal(tooLarge, 'payload_too_large');
  });
});

const changed = (text: string): string => (text.startsWith('0') ? '1' : '0') + text.slice(1);

/** A signature with one byte changed, the rest as signed. */
const changeSignature: Record<ProviderName, (signed: Signed) => Signed> = {
  resend: ({ body, headers }) => {
    const [version, base64] = headers['svix-signature']!.split(',');
    return { body, headers: { ...headers, 'svix-signature': `${version},${changed(base64!)}` } };
  },
  sendgrid: ({ body, headers }) => {
    const name = 'x-twilio-email-event-webhook-signature';
    return { body, headers: { ...headers, [name]: changed(headers[name]!) } };
  },
  mailgun: ({ body, headers }) => {
    const posted = JSON.parse(body.toString()) as { signature: { signature: string } };
    posted.signature.signature = changed(posted.signature.signature);
    return { body: Buffer.from(JSON.stringify(posted)), headers };
  },
};

it.each(['resend', 'sendgrid'] as const)(
  '%s: one byte of a signed body changed is refused',
  async (provider) => {
    const sign = await withKey(provider);
    const signed = sign(fixture(provider, SAMPLES[provider].name));
    const body = Buffer.from(signed.body.toString().replace('jane.doe', 'jane.dof'));
    expectRefusal(await postNative(client, provider, { ...signed, body }), 'unauthorized');
    expect(await kept()).toBe(0);
  },
);

it('mailgun: a signature is for one report, and for no other that comes with it', async () => {
  const sign = await withKey('mailgun');
  const posted = JSON.parse(sign(fixture('mailgun', 'opened')).body.toString()) as {
    'event-data': object;
  };
  const other = { ...posted, 'event-data': { ...posted['event-data'], id: 'x', event: 'clicked' } };
  for (const body of [posted, other]) {
    const request = { body: Buffer.from(JSON.stringify(body)), headers: {} };
    expect((await postNative(client, 'mailgun', request)).status).toBe(200);
  }
  expect([await eventTypes(), await kept()]).toEqual([['email.open'], 1]);
});

it('signatures are over the bytes: other JSON of the same value is refused', async () => {
  const sign = await withKey('sendgrid');
  const signed = sign(fixture('sendgrid', 'batch'));
  const body = Buffer.from(JSON.stringify(JSON.parse(signed.body.toString())));
  expectRefusal(await postNative(client, 'sendgrid', { ...signed, body }), 'unauthorized');
});

it('of a batch the good reports are taken, and a bad one is kept with what is wrong with it', async () => {
  const batch = JSON.parse(fixture('sendgrid', 'batch').toString()) as Record<string, unknown>[];
  // The last becomes an event whose data would be over the limit of an event.
  const long = { event: 'open', sg_message_id: 'x'.repeat(300_000) };
  const bad = [{ ...batch[3], event: 7 }, 'nonsense', null, long];
  const answer = await client.post('/api/webhooks/sendgrid', [...bad, ...batch]);
  expect([answer.status, answer.body]).toEqual([200, { received: true }]);
  expect(await eventTypes()).toEqual(SAMPLES.sendgrid.becomes);
  expect(await kept()).toBe(batch.length + bad.length);
  const reader = await stack.client(projectId, 'reader');
  const { reports } = (await reader.get('/v1/reports?limit=100')).body.data as {
    reports: { id: string; reason: string | null }[];
  };
  expect(reports.slice(-4).toReversed()).toMatchObject([
    { type: null, outcome: 'kept', reason: expect.stringMatching(/^event must be /) },
    { type: null, outcome: 'kept', reason: expect.stringMatching(/^body must be an object/) },
    { type: null, outcome: 'kept', reason: expect.stringMatching(/^body must be an object/) },
    { type: 'open', outcome: 'kept', reason: 'the event is over 256 KiB' },
  ]);
  for (const [index, report] of bad.slice(0, 3).entries()) {
    const shown = await reader.get(`/v1/reports/${reports.at(-1 - index)!.id}`);
    expect(shown.body.data.payload).toBe(JSON.stringify(report));
  }
});

it('a batch of which nothing can be read is refused, naming what is wrong', async () => {
  const answer = await client.post('/api/webhooks/sendgrid', [{ open: 1 }, 'x']);
  expectRefusal(answer, 'validation_failed', ['0.event', '1']);
  expect([await eventTypes(), await kept()]).toEqual([[], 0]);
});

it('a batch that contains a report twice accepts it once; one id may have several types', async () => {
  const one = { email: 'jane@example.com', sg_message_id: 'm.1', sg_event_id: 'sg_event_id' };
  const batch = ['open', 'click', 'open', 'processed'].map((event) => ({ ...one, event }));
  expect((await client.post('/api/webhooks/sendgrid', batch)).status).toBe(200);
  expect([await eventTypes(), await kept()]).toEqual([['email.open', 'email.click'], 3]);
});

it('of a batch that was taken in part before only the new reports are taken', async () => {
  const batch = JSON.parse(fixture('sendgrid', 'batch').toString()) as unknown[];
  await client.post('/api/webhooks/sendgrid', batch.slice(0, 4));
  await client.post('/api/webhooks/sendgrid', batch);
  expect(await eventTypes()).toEqual(SAMPLES.sendgrid.becomes);
  expect(await kept()).toBe(batch.length);
});

it('reports without an id of their own are all taken', async () => {
  const batch = [{ event: 'open', sg_message_id: 'm.1' }];
  await client.post('/api/webhooks/sendgrid', batch);
  await client.post('/api/webhooks/sendgrid', batch);
  expect(await eventTypes()).toEqual(['email.open', 'email.open']);
});

it('a report that names no e-mail is kept only', async () => {
  const answer = await client.post('/api/webhooks/mailgun', {
    'event-data': { event: 'opened', id: 'x' },
  });
  expect(answer.status).toBe(200);
  expect([await eventTypes(), await kept()]).toEqual([[], 1]);
});

it("a caller's Idempotency-Key can not take a provider's place", async () => {
  const owner = await stack.client(projectId, 'owner');
  const body = fixture('mailgun', 'opened');
  const { id } = (JSON.parse(body.toString()) as { 'event-data': { id: string } })['event-data'];
  for (const key of [id, `mailgun:${id}`, `provider:mailgun:${id}`]) {
    const data = { email_id: 'em_1', timestamp: '2026-10-01T09:30:00Z' };
    await owner.post('/v1/events', { type: 'email.open', data }, { 'idempotency-key': key });
  }
  await postNative(client, 'mailgun', { body, headers: {} });
  expect(await eventTypes()).toHaveLength(4);
});

it('a crash between storing a report and its event leaves neither, so that it is sent again', async () => {
  const insertAll = jest.spyOn(stack.store.events, 'insertAll');
  insertAll.mockRejectedValueOnce(new Error('died'));
  const signed = newSigner('resend').sign(fixture('resend', 'opened'));
  expectRefusal(await postNative(client, 'resend', signed), 'internal_error');
  insertAll.mockRestore();
  expect([await eventTypes(), await kept()]).toEqual([[], 0]);
  expect((await postNative(client, 'resend', signed)).status).toBe(200);
  expect([await eventTypes(), await kept()]).toEqual([['email.open'], 1]);
});

it('an event whose fan-out was never started is found by reconcile', async () => {
  const away = jest
    .spyOn(stack.engine, 'startFanOut')
    .mockRejectedValue(new Error('Temporal is away'));
  await client.post('/api/webhooks/sendgrid', [{ event: 'open', sg_message_id: 'm.1' }]);
  const waiting = await stack.store.events.model.find({ projectId, fannedOutAt: null });
  expect(waiting).toHaveLength(1);
  const isStarted = ({ mock }: typeof away): boolean =>
    mock.calls.some(([{ _id }]) => _id === waiting[0]!._id);
  // Behind the answer.
  await eventually('its start is tried', () => isStarted(away));
  away.mockRestore();
  const startFanOut = jest.spyOn(stack.engine, 'startFanOut');
  await stack.reconcile();
  expect(isStarted(startFanOut)).toBe(true);
  startFanOut.mockRestore();
});

it("a provider's name in the path is its name in any case", async () => {
  const answer = await client.post('/api/webhooks/SendGrid', [
    { event: 'open', sg_message_id: 'm' },
  ]);
  expect(answer.status).toBe(200);
  expect(await eventTypes()).toEqual(['email.open']);
});

it('other providers are not there', async () => {
  for (const name of ['postmark', 'constructor', '__proto__', 'resend%2F']) {
    expectRefusal(await client.post(`/api/webhooks/${name}`, {}), 'not_found');
  }
});

it('a body of another content type is refused', async () => {
  const url = `${client.url}/api/webhooks/mailgun?token=${client.key}`;
  const answer = await postRaw(url, 'event=opened', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  expectRefusal(answer, 'unsupported_media_type');
});
