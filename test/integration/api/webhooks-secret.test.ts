import type { Answer } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal } from './refusal';

const url = 'https://example.com/hooks';

describe('a webhook', () => {
  const stack = useStack({}, { worker: false });

  it('shows the secret when it is made and to owners who ask for it, and nowhere else', async () => {
    const { id, client } = await stack.project();
    const reader = await stack.client(id, 'reader');
    const made = await client.post('/v1/webhooks', {
      name: 'Orders',
      url,
      events: ['email.sent'],
    });
    const { id: webhookId, secret } = made.body.data;
    const path = `/v1/webhooks/${webhookId}`;
    const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const eventId = posted.body.data.id as string;
    const delivery = await insertDelivery(stack, { projectId: id, webhookId, eventId });

    const shown = await client.get(`${path}/secret`);
    expect(shown.status).toBe(200);
    expect(shown.body.data).toEqual({ secret });
    expect(shown.headers.get('cache-control')).toBe('no-store');

    const others: Answer[] = [
      posted,
      await client.get(path),
      await client.get('/v1/webhooks'),
      await reader.get(path),
      await reader.get('/v1/webhooks'),
      await reader.get(`${path}/secret`),
      await client.patch(path, { name: 'Renamed' }),
      await client.patch(path, { isActive: false }),
      await client.patch(path, { url: 'https://example.org/' }),
      await client.patch(path, { secret }),
      await client.get(`/v1/events/${eventId}`),
      await client.get('/v1/events'),
      await client.get('/v1/deliveries'),
      await client.get(`/v1/deliveries/${delivery}`),
      await client.post(`/v1/deliveries/${delivery}/replay`),
      await stack.admin.get(`/v1/projects/${id}`),
      await client.delete(path),
    ];
    for (const { body, headers } of others) {
      expect(JSON.stringify([body, [...headers]])).not.toContain(secret);
    }
    expectRefusal(await client.get(`${path}/secret`), 'not_found');
  });

  it('shows with the secret the public key, if it signs with Ed25519', async () => {
    const { client } = await stack.project();
    const settings = { signing: ['hex', 'standard-ed25519'] };
    const { id, secret, publicKey } = await makeWebhook(client, url, settings);
    expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const path = `/v1/webhooks/${id}/secret`;
    expect((await client.get(path)).body.data).toEqual({ secret, publicKey });
    const { data: rotated } = (await client.post(`${path}/rotate`)).body;
    expect(rotated.publicKey).not.toBe(publicKey);
    expect((await client.get(path)).body.data).toEqual(rotated);

    expect(await makeWebhook(client, url)).not.toHaveProperty('publicKey');
  });

  it('stores the secret encrypted', async () => {
    const { client } = await stack.project();
    const { id, secret } = await makeWebhook(client, url);
    const document = JSON.stringify(await stack.store.webhooks.model.findById(id).lean());
    for (const encoding of ['utf8', 'base64', 'hex'] as const) {
      expect(document).not.toContain(Buffer.from(secret).toString(encoding));
    }
    expect(document).not.toContain(Buffer.from(secret, 'hex').toString('base64'));
  });
});
