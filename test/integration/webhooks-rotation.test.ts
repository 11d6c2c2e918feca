import { createHmac } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { newId } from '../../src/contracts/ids';
import type { Answer, ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import type { ReceivedRequest } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useReceiver, useStack } from '../support/use';
import { expectRefusal } from './api/refusal';

const stack = useStack();
const receiver = useReceiver();
beforeEach(() => {
  receiver.requests.length = 0;
});

interface Subject {
  client: ApiClient;
  projectId: string;
  webhook: { id: string; secret: string };
}

async function subject(
  settings: { profile?: string } & Record<string, unknown> = {},
): Promise<Subject> {
  const { profile = 'autosend', ...webhook } = settings;
  const { client, id: projectId } = await stack.project({ profile });
  return { client, projectId, webhook: await makeWebhook(client, receiver.url, webhook) };
}

const rotate = ({ client, webhook }: Subject, body?: unknown): Promise<Answer> =>
  client.post(`/v1/webhooks/${webhook.id}/secret/rotate`, body);

async function rotated(of: Subject, body?: unknown): Promise<string> {
  const answer = await rotate(of, body);
  expect(answer.status).toBe(200);
  expect(answer.body.data).toEqual({ secret: expect.any(String) });
  return answer.body.data.secret as string;
}

/** What the receiver gets of the next event, whatever the project's event types are. */
async function delivered({ client, projectId, webhook }: Subject): Promise<ReceivedRequest> {
  const now = new Date();
  const { event } = await stack.store.events.insert({
    _id: newId('event'),
    projectId,
    type: 'email.sent',
    createdAt: now,
    acceptedAt: now,
    body: JSON.stringify({ type: 'email.sent', createdAt: now.toISOString(), data: emailSent }),
    expiresAt: new Date(now.getTime() + 3_600_000),
  });
  await stack.engine.startFanOut(event);
  const { id } = await eventually('it is planned', async () => {
    const list = await client.get(`/v1/deliveries?eventId=${event._id}&webhookId=${webhook.id}`);
    return list.body.data.deliveries[0] as { id: string } | undefined;
  });
  await deliveryWith(client, id, { status: 'succeeded' });
  return receiver.requests.at(-1)!;
}

const hmac = (secret: string, { rawBody }: ReceivedRequest): string =>
  createHmac('sha256', secret).update(rawBody).digest('hex');
const isVerified = (verify: () => unknown): boolean => {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
};
const headersOf = ({ headers }: ReceivedRequest): Record<string, string> =>
  headers as Record<string, string>;
const byStandard = (secret: string, request: ReceivedRequest, format?: 'raw'): boolean =>
  isVerified(() =>
    new StandardWebhook(secret, format && { format }).verify(
      request.rawBody.toString(),
      headersOf(request),
    ),
  );
const bySvix = (secret: string, request: ReceivedRequest): boolean =>
  isVerified(() => new SvixWebhook(secret).verify(request.rawBody, headersOf(request)));

describe('a rotated secret', () => {
  it('is returned and stored; the old one also signs during its overlap, in hex in its own header', async () => {
    const of = await subject();
    const old = of.webhook.secret;
    const before = await delivered(of);
    expect(before.headers['x-webhook-signature']).toBe(hmac(old, before));
    expect(before.headers).not.toHaveProperty('x-webhook-signature-previous');

    const secret = await rotated(of);
    expect(secret).not.toBe(old);
    const kept = await of.client.get(`/v1/webhooks/${of.webhook.id}/secret`);
    expect(kept.body.data).toEqual({ secret });
    const during = await delivered(of);
    expect(during.headers['x-webhook-signature']).toBe(hmac(secret, during));
    expect(during.headers['x-webhook-signature-previous']).toBe(hmac(old, during));
  });

  it('and the old one both verify by Standard Webhooks’ library, in the raw format', async () => {
    const of = await subject({ signing: ['hex', 'standard'] });
    const secret = await rotated(of, { overlapHours: 1 });
    const request = await delivered(of);
    expect(byStandard(secret, request, 'raw')).toBe(true);
    expect(byStandard(of.webhook.secret, request, 'raw')).toBe(true);
    expect(byStandard('another-secret-altogether', request, 'raw')).toBe(false);
  });

  it('and the old one both verify by svix and Standard Webhooks, in the whsec format', async () => {
    const of = await subject({ profile: 'custom' });
    const secret = await rotated(of);
    expect(secret).toMatch(/^whsec_/);
    const request = await delivered(of);
    for (const live of [secret, of.webhook.secret]) {
      expect([bySvix(live, request), byStandard(live, request)]).toEqual([true, true]);
    }
    const other = `whsec_${Buffer.alloc(32).toString('base64')}`;
    expect([bySvix(other, request), byStandard(other, request)]).toEqual([false, false]);
  });

  it('leaves all alive that were, when it is rotated again within the overlap', async () => {
    const of = await subject({ profile: 'custom', signing: ['standard', 'hex'] });
    const secrets = [of.webhook.secret, await rotated(of), await rotated(of)];
    const request = await delivered(of);
    expect(secrets.map((secret) => bySvix(secret, request))).toEqual([true, true, true]);
    expect(request.headers['x-webhook-signature']).toBe(hmac(secrets[2]!, request));
    expect(request.headers['x-webhook-signature-previous']).toBe(hmac(secrets[1]!, request));
  });

  it('ends every older one at once without an overlap', async () => {
    const of = await subject({ profile: 'custom', signing: ['standard', 'hex'] });
    const older = [of.webhook.secret, await rotated(of, { overlapHours: 168 })];
    const secret = await rotated(of, { overlapHours: 0 });
    const request = await delivered(of);
    expect(older.map((old) => bySvix(old, request))).toEqual([false, false]);
    expect(bySvix(secret, request)).toBe(true);
    expect(request.headers).not.toHaveProperty('x-webhook-signature-previous');
    const { secrets } = (await stack.store.webhooks.get(of.projectId, of.webhook.id))!;
    expect(secrets).toHaveLength(1);
  });

  it('may not be one that is live, and may be one that is over', async () => {
    const first = 'first-secret-of-theirs';
    const of = await subject({ profile: 'platform', secret: first });
    const second = { secret: 'second-secret-of-theirs', overlapHours: 1 };
    expect(await rotated(of, second)).toBe(second.secret);
    for (const secret of [first, second.secret]) {
      const refused = await rotate(of, { secret });
      expectRefusal(refused, 'validation_failed', ['secret']);
      expect(JSON.stringify(refused.body)).not.toContain(secret);
    }
    await rotated(of, { overlapHours: 0 });
    expect(await rotated(of, { secret: first })).toBe(first);
  });

  it('may not be one that is live without its padding either', async () => {
    const of = await subject({ profile: 'custom' });
    const live = of.webhook.secret;
    expect(live).toMatch(/=$/);
    const refused = await rotate(of, { secret: live.replace(/=+$/, ''), overlapHours: 0 });
    expectRefusal(refused, 'validation_failed', ['secret']);
    const kept = await of.client.get(`/v1/webhooks/${of.webhook.id}/secret`);
    expect(kept.body.data.secret).toBe(live);
  });

  it('does not lengthen an overlap that ends sooner', async () => {
    const of = await subject();
    await rotated(of, { overlapHours: 1 });
    await rotated(of, { overlapHours: 100 });
    const { secrets } = (await stack.store.webhooks.get(of.projectId, of.webhook.id))!;
    const hours = secrets.map(
      ({ expiresAt }) => expiresAt && (expiresAt.getTime() - Date.now()) / 3_600_000,
    );
    expect(hours).toEqual([undefined, expect.closeTo(100, 0), expect.closeTo(1, 0)]);
  });

  it('signs alone as soon as the overlap has ended, and reconcile forgets the old one', async () => {
    const of = await subject();
    const secret = await rotated(of, { overlapHours: 1 / 3600 });
    const request = await eventually('the overlap ends', async () => {
      const next = await delivered(of);
      return next.headers['x-webhook-signature-previous'] === undefined && next;
    });
    expect(request.headers['x-webhook-signature']).toBe(hmac(secret, request));
    const stored = async (): Promise<number> =>
      (await stack.store.webhooks.get(of.projectId, of.webhook.id))!.secrets.length;
    await stack.reconcile();
    expect(await stored()).toBe(1);
    const kept = await of.client.get(`/v1/webhooks/${of.webhook.id}/secret`);
    expect(kept.body.data).toEqual({ secret });
  });

  it('stays while its overlap lasts, whatever reconcile does', async () => {
    const of = await subject();
    await rotated(of);
    await stack.reconcile();
    const request = await delivered(of);
    expect(request.headers['x-webhook-signature-previous']).toBe(hmac(of.webhook.secret, request));
  });

  it('is not lost when several rotate at the same time', async () => {
    const of = await subject({ profile: 'custom' });
    const secrets = await Promise.all(Array.from({ length: 9 }, () => rotated(of)));
    const kept = await of.client.get(`/v1/webhooks/${of.webhook.id}/secret`);
    expect(secrets).toContain(kept.body.data.secret);
    const request = await delivered(of);
    for (const live of [of.webhook.secret, ...secrets]) expect(bySvix(live, request)).toBe(true);

    // Ten are live now, and each signs every attempt.
    expectRefusal(await rotate(of), 'secret_limit_reached');
    const last = await rotated(of, { overlapHours: 0 });
    expect(bySvix(last, await delivered(of))).toBe(true);
  });

  it('may be the caller’s own where the profile lets it', async () => {
    const of = await subject({ profile: 'platform' });
    const secret = 'sixteen-letters!';
    expect(await rotated(of, { secret, overlapHours: 0 })).toBe(secret);
    const request = await delivered(of);
    expect(request.headers['x-webhook-signature']).toBe(hmac(secret, request));
    const refused = await rotate(of, { secret: 'fifteen-letters' });
    expectRefusal(refused, 'validation_failed', ['secret']);
  });

  it('is shown nowhere else, and not cached', async () => {
    const of = await subject();
    const answer = await rotate(of, { overlapHours: 2 });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const shown = await of.client.get(`/v1/webhooks/${of.webhook.id}`);
    const text = JSON.stringify(shown.body);
    expect(text).not.toContain(answer.body.data.secret);
    expect(shown.body.data).not.toHaveProperty('secrets');
  });
});

describe('a rotation', () => {
  it.each([
    [{ overlapHours: 168.1 }, 'overlapHours'],
    [{ overlapHours: -1 }, 'overlapHours'],
    [{ overlapHours: '24' }, 'overlapHours'],
    [{ overlapHours: null }, 'overlapHours'],
    [{ secret: 'the-caller’s-own-secret' }, 'secret'],
    [{ overlap: 24 }, 'overlap'],
  ])('is refused with %j, and changes nothing', async (body, field) => {
    const of = await subject();
    expectRefusal(await rotate(of, body), 'validation_failed', [field]);
    const kept = await of.client.get(`/v1/webhooks/${of.webhook.id}/secret`);
    expect(kept.body.data.secret).toBe(of.webhook.secret);
  });

  it('is the owner’s, and finds only webhooks of its project', async () => {
    const of = await subject();
    for (const role of ['reader', 'sender']) {
      const client = await stack.client(of.projectId, role);
      expectRefusal(await rotate({ ...of, client }), 'forbidden');
    }
    const { client } = await stack.project();
    expectRefusal(await rotate({ ...of, client }), 'not_found');
    expectRefusal(
      await rotate({ ...of, webhook: { id: newId('webhook'), secret: '' } }),
      'not_found',
    );
  });
});
