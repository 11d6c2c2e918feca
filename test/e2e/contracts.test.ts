import nacl from 'tweetnacl';
import type { Attempt, SigningScheme } from '../../src/contracts/delivery';
import { signatureHeaders } from '../../src/delivery/signing';
import { getProfile } from '../../src/profiles';
import { VERSION } from '../../src/version';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import type { ReceivedRequest } from '../support/receiver';
import { useReceiver, useStack } from '../support/use';
import { GUIDE_LANGUAGES, verifyByGuide } from './customers/guide';
import { PythonCustomer, verifyInNode, type CustomerScheme } from './customers/verify';

interface Contract {
  profile: string;
  scheme: CustomerScheme;
  /** How many event types it has. */
  types: number;
  /** The body, as a receiver of that system parses it. */
  body: (event: { projectId: string; type: string; createdAt: string; data: unknown }) => unknown;
}

/** Written down from docs/contract.md, 1.1 and 3.2, not read from the profiles. */
const CONTRACTS: Contract[] = [
  {
    profile: 'autosend',
    scheme: 'hex',
    types: 13,
    body: ({ type, createdAt, data }) => ({ type, createdAt, data }),
  },
  {
    profile: 'platform',
    scheme: 'hex',
    types: 4,
    body: ({ type, createdAt, data }) => ({ type, createdAt, data }),
  },
  {
    profile: 'emailsendx',
    scheme: 'hex',
    types: 9,
    body: ({ projectId, type, createdAt, data }) => ({
      event: type,
      workspaceId: projectId,
      timestamp: createdAt,
      data,
    }),
  },
  {
    profile: 'ahasend',
    scheme: 'standard',
    types: 10,
    body: ({ type, createdAt, data }) => ({ type, timestamp: createdAt, data }),
  },
  {
    profile: 'custom',
    scheme: 'standard',
    types: 2,
    body: ({ type, createdAt, data }) => ({ type, timestamp: createdAt, data }),
  },
];

const CUSTOM_TYPES = ['order.created', 'order.shipped'];
/** One short retry, so that a delivery ends soon. */
const policy = { retryDelaysMs: [1000] };

let python: PythonCustomer;
beforeAll(() => void (python = new PythonCustomer()));
afterAll(() => python?.remove());
const stack = useStack();
const receiver = useReceiver();
beforeEach(() => {
  receiver.respondWith(200);
});

/** As it would have been sent then. */
function signedAt(
  now: Date,
  secret: string,
  request: ReceivedRequest,
  as?: SigningScheme,
): ReceivedRequest {
  const { headers, rawBody } = request;
  const scheme = as ?? ('webhook-id' in headers ? 'standard' : 'hex');
  const signed = signatureHeaders({
    schemes: [scheme],
    secrets: [secret],
    secretFormat: secret.startsWith('whsec_') ? 'whsec' : 'raw',
    body: rawBody.toString(),
    eventId: headers['webhook-id'] as string,
    eventType: '',
    deliveryId: '',
    now,
  });
  const lower = Object.entries(signed).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...request, headers: { ...headers, ...Object.fromEntries(lower) } };
}

/** Changes one byte of the body. */
function altered(request: ReceivedRequest): ReceivedRequest {
  const rawBody = Buffer.from(request.rawBody);
  const at = rawBody.indexOf('"data"') + 1;
  rawBody[at] = 'D'.charCodeAt(0);
  return { ...request, rawBody };
}

describe.each(CONTRACTS)('a receiver made for $profile', ({ profile, scheme, types, body }) => {
  let client: ApiClient;
  let projectId: string;
  let webhook: { id: string; secret: string };

  const samples = (): { type: string; data: unknown }[] =>
    profile === 'custom'
      ? CUSTOM_TYPES.map((type) => ({ type, data: { orderId: 'ord_1', total: 12.5 } }))
      : getProfile(profile).events.map(({ type, sample }) => ({ type, data: sample }));

  /** All ways of verifying agree. */
  async function isVerified(secret: string, request: ReceivedRequest): Promise<boolean> {
    const verification = { scheme, secret, request };
    const verdicts = [
      ...Object.values(verifyInNode(verification)),
      ...(await python.verify([verification])),
    ];
    expect(new Set(verdicts).size).toBe(1);
    return verdicts[0]!;
  }

  async function post({ type, data } = samples()[0]!): Promise<{ id: string; createdAt: string }> {
    const answer = await client.post('/v1/events', { type, data });
    expect(answer.status).toBe(202);
    return answer.body.data as { id: string; createdAt: string };
  }

  async function deliveryOf(eventId: string): Promise<string> {
    return eventually('it is fanned out', async () => {
      const list = await client.get(`/v1/deliveries?eventId=${eventId}`);
      return list.body.data.deliveries[0]?.id as string | undefined;
    });
  }

  beforeEach(async () => {
    ({ client, id: projectId } = await stack.project({ profile }));
    if (profile === 'custom') {
      for (const type of CUSTOM_TYPES) {
        await client.send('PUT', `/v1/event-types/${type}`, {
          description: 'Something about an order.',
          schema: { type: 'object', required: ['orderId'] },
          sample: { orderId: 'ord_1', total: 12.5 },
        });
      }
    }
    webhook = await makeWebhook(client, `${receiver.url}/hooks`, { policy });
    // The ping, where there is one, has come.
    receiver.requests.length = 0;
  });

  it('takes every event type in its own envelope, signed as its libraries verify', async () => {
    const expected = new Map<string, string>();
    const events = new Map<string, string>();
    for (const sample of samples()) {
      const { id, createdAt } = await post(sample);
      expected.set(sample.type, JSON.stringify(body({ projectId, createdAt, ...sample })));
      events.set(id, sample.type);
    }
    expect(events.size).toBe(types);
    const deliveries = await eventually('all have succeeded', async () => {
      const list = await client.get('/v1/deliveries?status=succeeded&limit=100');
      const found = list.body.data.deliveries.filter(({ test }: { test: boolean }) => !test);
      return found.length === types && (found as { id: string; eventType: string }[]);
    });

    expect(receiver.requests).toHaveLength(types);
    const seen = receiver.requests.map((request): string => {
      const { method, path, headers, rawBody } = request;
      expect([method, path]).toEqual(['POST', '/hooks']);
      expect(headers['content-type']).toBe('application/json');
      expect(headers['user-agent']).toBe(`Posthorn/${VERSION}`);
      if (scheme === 'hex') {
        const type = headers['x-webhook-event'] as string;
        const { id } = deliveries.find(({ eventType }) => eventType === type)!;
        expect(headers['x-webhook-delivery-id']).toBe(id);
        expect(headers['x-webhook-timestamp']).toMatch(/^\d{13}$/);
        expect(headers['x-webhook-signature']).toMatch(/^[0-9a-f]{64}$/);
        expect(headers).not.toHaveProperty('webhook-signature');
        expect(rawBody.toString()).toBe(expected.get(type));
        return type;
      }
      const type = events.get(headers['webhook-id'] as string)!;
      expect(headers['webhook-timestamp']).toMatch(/^\d{10}$/);
      expect(headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
      expect(headers).not.toHaveProperty('x-webhook-signature');
      expect(rawBody.toString()).toBe(expected.get(type));
      return type;
    });
    expect(seen.toSorted()).toEqual([...expected.keys()].toSorted());

    const genuine = receiver.requests.map((request) => ({
      scheme,
      secret: webhook.secret,
      request,
    }));
    const forged = genuine.map((verification) => ({
      ...verification,
      request: altered(verification.request),
    }));
    expect(await python.verify(genuine)).toEqual(genuine.map(() => true));
    expect(await python.verify(forged)).toEqual(forged.map(() => false));
    for (const one of genuine) expect(Object.values(verifyInNode(one))).not.toContain(false);
    for (const one of forged) expect(Object.values(verifyInNode(one))).not.toContain(true);
  });

  it('gets a retry and a replay as the same bytes under the same id, each with a new signature', async () => {
    receiver.respondWith((_request, n) => (n === 1 ? 500 : 200));
    const { id: eventId } = await post();
    const id = await deliveryOf(eventId);
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    await client.post(`/v1/deliveries/${id}/replay`);
    const { attempts } = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });

    const { requests } = receiver;
    expect(requests).toHaveLength(3);
    expect(new Set(requests.map(({ rawBody }) => rawBody.toString())).size).toBe(1);
    const [idHeader, expected, timestamp, unit] =
      scheme === 'hex'
        ? (['x-webhook-delivery-id', id, 'x-webhook-timestamp', 1] as const)
        : (['webhook-id', eventId, 'webhook-timestamp', 1000] as const);
    for (const [index, request] of requests.entries()) {
      expect(request.headers[idHeader]).toBe(expected);
      expect(await isVerified(webhook.secret, request)).toBe(true);
      const { startedAt, requestHeaders } = attempts[index] as Attempt;
      const sentAt = Number(request.headers[timestamp]) * unit;
      expect(Math.abs(Date.parse(String(startedAt)) - sentAt)).toBeLessThanOrEqual(1000);
      const logged = Object.entries(requestHeaders).find(([name]) => /-signature$/i.test(name))!;
      expect(logged[1]).toBe(request.headers[logged[0].toLowerCase()]);
    }
  });

  it('receivers with the old secret and with the new one verify during a rotation’s overlap', async () => {
    const { body: rotated } = await client.post(`/v1/webhooks/${webhook.id}/secret/rotate`);
    const secret = rotated.data.secret as string;
    const id = await deliveryOf((await post()).id);
    await deliveryWith(client, id, { status: 'succeeded' });

    const request = receiver.requests.at(-1)!;
    expect(await isVerified(secret, request)).toBe(true);
    expect(await isVerified(webhook.secret, request)).toBe(true);
    expect(await isVerified(`${webhook.secret.slice(0, -5)}aaaa=`, request)).toBe(false);
  });

  it.each(GUIDE_LANGUAGES)('verifies by the code that the guide shows for %s', async (language) => {
    const { secret: old } = webhook;
    await deliveryWith(client, await deliveryOf((await post()).id), { status: 'succeeded' });
    const [plain] = receiver.requests.splice(0);
    const { body: answer } = await client.post(`/v1/webhooks/${webhook.id}/secret/rotate`);
    const secret = answer.data.secret as string;
    await deliveryWith(client, await deliveryOf((await post()).id), { status: 'succeeded' });
    const [rotated] = receiver.requests;

    const verdicts = await verifyByGuide(
      language,
      scheme,
      [
        { secret: old, request: plain! },
        { secret: old, request: altered(plain!) },
        { secret, request: plain! },
        { secret: old, request: rotated! },
        { secret, request: rotated! },
        { secret, request: altered(rotated!) },
        // What is captured can be sent again later: only `standard` signs the time.
        { secret: old, request: signedAt(new Date(Date.now() - 600_000), old, plain!) },
      ],
      python.packages,
    );
    expect(verdicts).toEqual([true, false, false, true, true, false, scheme === 'hex']);
  });

  it('that asks for Ed25519 verifies with the public key alone, as tweetnacl does', async () => {
    const signing = [scheme, 'standard-ed25519'];
    await client.delete(`/v1/webhooks/${webhook.id}`);
    webhook = await makeWebhook(client, receiver.url, { signing, policy });
    receiver.requests.length = 0;
    const shown = await client.get(`/v1/webhooks/${webhook.id}/secret`);
    const publicKey = shown.body.data.publicKey as string;
    expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const id = await deliveryOf((await post()).id);
    await deliveryWith(client, id, { status: 'succeeded' });

    const verifiedBy = (key: string, { headers, rawBody }: ReceivedRequest): boolean => {
      const signatures = (headers['webhook-signature'] as string).split(' ');
      const signature = signatures.find((one) => one.startsWith('v1a,'))!.slice(4);
      const prefix = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.`;
      return nacl.sign.detached.verify(
        new Uint8Array(Buffer.concat([Buffer.from(prefix), rawBody])),
        new Uint8Array(Buffer.from(signature, 'base64')),
        new Uint8Array(Buffer.from(key.slice('whpk_'.length), 'base64')),
      );
    };
    const request = receiver.requests.at(-1)!;
    expect(verifiedBy(publicKey, request)).toBe(true);
    expect(verifiedBy(publicKey, altered(request))).toBe(false);
    // And receivers without Ed25519 continue as before.
    expect(await isVerified(webhook.secret, request)).toBe(true);

    const { body: rotated } = await client.post(`/v1/webhooks/${webhook.id}/secret/rotate`, {
      overlapHours: 0,
    });
    await deliveryWith(client, await deliveryOf((await post()).id), { status: 'succeeded' });
    const next = receiver.requests.at(-1)!;
    expect(verifiedBy(rotated.data.publicKey as string, next)).toBe(true);
    expect(verifiedBy(publicKey, next)).toBe(false);
  });
});

describe('a receiver that takes Ed25519 alone', () => {
  it.each(GUIDE_LANGUAGES)(
    'verifies by the code that the guide shows for %s, with the key that is answered',
    async (language) => {
      const scheme = 'standard-ed25519';
      const { client } = await stack.project();
      receiver.requests.length = 0;
      const settings = { signing: [scheme], policy };
      const made = await makeWebhook(client, `${receiver.url}/hooks`, settings);
      const delivered = async (count: number): Promise<ReceivedRequest> => {
        const id = await postEvent(client);
        await deliveryWith(client, id, { status: 'succeeded' });
        expect(receiver.requests).toHaveLength(count);
        return receiver.requests.at(-1)!;
      };
      const plain = await delivered(1);
      const { body } = await client.post(`/v1/webhooks/${made.id}/secret/rotate`);
      const rotated = await delivered(2);

      const [old, key] = [made.publicKey!, body.data.publicKey as string];
      const long = signedAt(new Date(Date.now() - 600_000), made.secret, plain, scheme);
      const { 'webhook-signature': _left, ...unsigned } = plain.headers;
      // More than a float holds.
      const endless = { 'webhook-timestamp': '9'.repeat(400) };
      const verdicts = await verifyByGuide(
        language,
        scheme,
        [
          { secret: old, request: plain },
          { secret: old, request: altered(plain) },
          { secret: key, request: plain },
          { secret: old, request: rotated },
          { secret: key, request: rotated },
          { secret: old, request: long },
          { secret: old, request: { ...plain, headers: unsigned } },
          { secret: old, request: { ...plain, headers: { ...plain.headers, ...endless } } },
        ],
        python.packages,
      );
      expect(verdicts).toEqual([true, false, false, true, true, false, false, false]);
    },
  );
});
