import type { ApiClient } from '../support/api-client';
import { useStack } from '../support/use';
import { expectRefusal, stored } from './api/refusal';

const url = 'https://example.com/hooks';
const whsec = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

const stack = useStack({}, { worker: false });

const clientOf = async (profile: string, project: object = {}): Promise<ApiClient> =>
  (await stack.project({ profile, ...project })).client;

describe('a secret of the caller’s own', () => {
  it.each([
    ['platform', 'sixteen-letters!'],
    ['platform', 'x'.repeat(256)],
    ['custom', whsec(24)],
    ['custom', whsec(64)],
  ])('is kept and answered by the profile %s: %s', async (profile, secret) => {
    const client = await clientOf(profile);
    const made = await client.post('/v1/webhooks', { name: 'Own', url, events: ['*'], secret });
    expect([made.status, made.body.data?.secret]).toEqual([201, secret]);
    const kept = await client.get(`/v1/webhooks/${made.body.data.id}/secret`);
    expect(kept.body.data).toEqual({ secret });
    const shown = JSON.stringify((await client.get('/v1/webhooks')).body);
    expect(shown).not.toContain(secret);
  });

  it.each([
    ['of 15 characters', 'platform', 'fifteen-letters'],
    ['of 257 characters', 'platform', 'x'.repeat(257)],
    ['with a space', 'platform', 'sixteen letters!!'],
    ['with other letters than ASCII’s', 'platform', 'sixteen-lettérs!'],
    ['that is no text', 'platform', 1234567890123456],
    ['in another format', 'custom', 'sixteen-letters!'],
    ['with too short a key', 'custom', whsec(23)],
    ['where the profile makes them', 'autosend', 'sixteen-letters!'],
    ['where the profile makes them', 'ahasend', 'sixteen-letters!'],
    ['where the profile makes them', 'emailsendx', 'sixteen-letters!'],
  ])('is refused %s, without being repeated', async (_why, profile, secret) => {
    const client = await clientOf(profile);
    const before = await stored(stack);
    const events = ['*'];
    const refused = await client.post('/v1/webhooks', { name: 'Own', url, events, secret });
    expectRefusal(refused, 'validation_failed', ['secret']);
    expect(JSON.stringify(refused.body)).not.toContain(String(secret));
    expect(await stored(stack)).toEqual(before);
  });

  it('can not be set later by PATCH', async () => {
    const client = await clientOf('platform');
    const made = await client.post('/v1/webhooks', { name: 'Own', url, events: ['*'] });
    const path = `/v1/webhooks/${made.body.data.id}`;
    const patched = await client.patch(path, { secret: 'sixteen-letters!' });
    expectRefusal(patched, 'validation_failed', ['secret']);
  });
});

describe('a plan without webhooks', () => {
  it.each(['hobby', 'Hobby', ' HOBBY '])('holds none: %j', async (plan) => {
    const client = await clientOf('emailsendx', { plan });
    const before = await stored(stack);
    const refused = await client.post('/v1/webhooks', { name: 'Free', url, events: ['*'] });
    expectRefusal(refused, 'plan_not_allowed');
    expect(refused.body.error.message).toContain(`"${plan.trim()}"`);
    expect(await stored(stack)).toEqual(before);
  });

  it('can not be taken while there are webhooks, and by nobody who makes one at the same time', async () => {
    const { id, client } = await stack.project({ profile: 'emailsendx', plan: 'pro' });
    const path = `/v1/projects/${id}`;
    const made = await client.post('/v1/webhooks', { name: 'Paid', url, events: ['*'] });
    const refused = await stack.admin.patch(path, { plan: 'Hobby', name: 'Changed' });
    expectRefusal(refused, 'plan_has_webhooks', ['plan']);
    expect((await stack.admin.get(path)).body.data).toMatchObject({ plan: 'pro', name: 'Test' });
    expect((await stack.admin.patch(path, { plan: 'basic' })).status).toBe(200);
    // As before such plans were refused.
    await stack.store.projects.model.updateOne({ _id: id }, { $set: { plan: 'hobby' } });
    const again = await stack.admin.patch(path, { plan: 'hobby', name: 'Changed' });
    expect(again.body.data).toMatchObject({ plan: 'hobby', name: 'Changed' });
    await stack.admin.patch(path, { plan: 'basic' });

    await client.delete(`/v1/webhooks/${made.body.data.id}`);
    const [taken, another] = await Promise.all([
      stack.admin.patch(path, { plan: 'hobby' }),
      client.post('/v1/webhooks', { name: 'Late', url, events: ['*'] }),
    ]);
    expect([
      [200, 403],
      [409, 201],
    ]).toContainEqual([taken.status, another.status]);
  });

  it('is refused with the problems of the body first', async () => {
    const client = await clientOf('emailsendx', { plan: 'hobby' });
    expectRefusal(await client.post('/v1/webhooks', { name: 'Free', url }), 'validation_failed', [
      'events',
    ]);
  });

  it.each([
    ['autosend', 'hobby'],
    ['platform', 'hobby'],
  ])('is not such a plan in the profile %s', async (profile, plan) => {
    const client = await clientOf(profile, { plan });
    const made = await client.post('/v1/webhooks', { name: 'Free', url, events: ['*'] });
    expect(made.status).toBe(201);
  });
});

describe('a subscription by short name', () => {
  it('is stored as the type that it abbreviates, once', async () => {
    const client = await clientOf('platform');
    const events = ['open', 'email.click', 'click', 'email.open', 'email.*'];
    const made = await client.post('/v1/webhooks', { name: 'Short', url, events });
    expect(made.body.data.events).toEqual(['email.open', 'email.click', 'email.*']);
    const path = `/v1/webhooks/${made.body.data.id}`;
    const patched = await client.patch(path, { events: ['bounce', 'unsubscribe'] });
    expect(patched.body.data.events).toEqual(['email.bounce', 'email.unsubscribe']);
  });

  it.each([
    ['platform', 'opened'],
    ['platform', 'toString'],
    ['autosend', 'open'],
  ])('of the profile %s does not know %s', async (profile, name) => {
    const client = await clientOf(profile);
    const body = { name: 'Short', url, events: ['*', name] };
    expectRefusal(await client.post('/v1/webhooks', body), 'validation_failed', ['events.1']);
  });
});
