import { expectRefusal } from './refusal';
import { useStack } from '../../support/use';

const stack = useStack({}, { worker: false });

describe('a refusal says what to do:', () => {
  it('an unknown event type is refused with similar ones, and where to find the others', async () => {
    const { client } = await stack.project();
    const posted = await client.post('/v1/events', { type: 'email.deliverd', data: {} });
    expectRefusal(posted, 'validation_failed', ['type']);
    expect(posted.body.error.message).toBe(
      'type is not an event type of this project. Did you mean "email.delivered"? GET /v1/webhooks/events/available lists them.',
    );
    const batch = { events: [{ type: 'email.sent ', data: {} }] };
    const refused = await client.post('/v1/events/batch', batch);
    expect(refused.body.error.message).toContain('events.0.type is not an event type');
    expect(refused.body.error.message).toContain('Did you mean "email.sent"?');
  });

  it('and in a project that defines its own, where to define it', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const type = { description: 'Paid.', schema: { type: 'object' }, sample: {} };
    await client.send('PUT', '/v1/event-types/order.paid', type);
    const url = 'https://example.com/hooks';
    const body = { name: 'Orders', url, events: ['order.payed'] };
    for (const answer of [
      await client.post('/v1/events', { type: 'order.payed', data: {} }),
      await client.post('/v1/webhooks', body),
    ]) {
      expect(answer.body.error.message).toContain('Did you mean "order.paid"?');
      expect(answer.body.error.message).toContain('PUT /v1/event-types/order.payed');
    }
  });

  it('also where the advice cuts a character in two', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const type = `${'a'.repeat(99)}😀`;
    const url = 'https://example.com/hooks';
    const webhook = await client.post('/v1/webhooks', { name: 'Orders', url, events: ['*'] });
    for (const answer of [
      await client.post('/v1/events', { type, data: {} }),
      await client.post('/v1/events/batch', { events: [{ type, data: {} }] }),
      await client.post('/v1/webhooks', { name: 'Orders', url, events: [type] }),
      await client.post(`/v1/webhooks/${webhook.body.data.id}/test`, { events: [type] }),
      await client.post('/v1/replays', { since: '2026-01-01T00:00:00Z', types: [type] }),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.body.error.message).toContain(`/v1/event-types/${'a'.repeat(99)}%EF%BF%BD`);
    }
  });

  it('a key that may not do it is refused with the roles that may', async () => {
    const { id } = await stack.project();
    const reader = await stack.client(id, 'reader');
    const told = async (method: string, path: string): Promise<string> => {
      const answer = await reader.send(method, path, {});
      expectRefusal(answer, 'forbidden');
      return answer.body.error.message as string;
    };
    expect(await told('POST', '/v1/events')).toBe(
      'a key with the role reader may not do this; use a key with the role owner or sender, or the admin key',
    );
    expect(await told('POST', `/v1/projects/${id}/keys`)).toContain(
      'a key with the role owner, or',
    );
    expect(await told('POST', '/v1/projects')).toContain('use the admin key');
  });

  it('JSON that is broken, where', async () => {
    const { client } = await stack.project();
    const answer = await client.post('/v1/events', '{"type": "email.sent",\n "data": {,}}');
    expectRefusal(answer, 'malformed_json');
    expect(answer.body.error.message).toBe('the body is not valid JSON at line 2, column 11');
  });

  it('a route of another profile, of which', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    for (const answer of [
      await client.get('/api/webhooks/manage'),
      await client.post('/api/webhooks', {}),
      await client.post('/api/webhooks/resend', {}),
    ]) {
      expectRefusal(answer, 'not_found');
      expect(answer.body.error.message).toContain('only for projects of the profile platform');
      expect(answer.body.error.message).toContain("this project's profile is custom");
    }
  });

  it('a method that a path does not have, which it has', async () => {
    const { client } = await stack.project();
    const answer = await client.send('PUT', '/v1/webhooks', {});
    expectRefusal(answer, 'method_not_allowed');
    expect(answer.body.error.message).toBe('PUT is not allowed here; use GET, POST, HEAD');
    expect(answer.headers.get('allow')).toBe('GET, POST, HEAD');
  });

  it('data that breaks a schema of one’s own, in words', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const schema = {
      type: 'object',
      properties: {
        state: { enum: ['open', 'paid'] },
        items: { type: 'array', minItems: 1 },
        n: { type: ['integer', 'null'] },
      },
    };
    const sample = { state: 'open', items: [1], n: null };
    const type = { description: 'Any.', schema, sample };
    await client.send('PUT', '/v1/event-types/order.changed', type);
    const data = { state: 'lost', items: [], n: 'x' };
    const answer = await client.post('/v1/events', { type: 'order.changed', data });
    expect(answer.body.error.details).toEqual([
      { field: 'data.state', message: 'must be one of: open, paid' },
      { field: 'data.items', message: 'must have at least 1 item' },
      { field: 'data.n', message: 'must be a whole number or null' },
    ]);
  });
});
