import { makeWebhook } from '../../support/deliveries';
import { portalLink } from '../../support/portal-link';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const url = 'https://example.com/hooks';
const minimal = { name: 'Orders', url, events: ['email.sent'] };

describe('the limit of webhooks', () => {
  const stack = useStack({}, { worker: false });

  it('is 100 a project, and a deleted one makes room', async () => {
    const { client } = await stack.project();
    const other = await stack.project();
    const ids: string[] = [];
    for (let n = 0; n < 100; n += 1) ids.push((await makeWebhook(client, url)).id);
    const before = await stored(stack);
    expectRefusal(await client.post('/v1/webhooks', minimal), 'webhook_limit_reached');
    expect(await stored(stack)).toEqual(before);
    expect((await other.client.post('/v1/webhooks', minimal)).status).toBe(201);

    expect((await client.delete(`/v1/webhooks/${ids[50]}`)).status).toBe(200);
    expect((await client.delete(`/v1/webhooks/${ids[50]}`)).status).toBe(404);
    expect((await client.post('/v1/webhooks', minimal)).status).toBe(201);
    expectRefusal(await client.post('/v1/webhooks', minimal), 'webhook_limit_reached');
  });

  it.each([
    ['platform', 100],
    ['emailsendx', 10],
    ['ahasend', 100],
    ['custom', 100],
  ])('is in %s %d', async (profile, limit) => {
    // Nobody answers its ping here: it is not waited for long.
    const { id, client } = await stack.project({ profile, policy: { timeoutMs: 1000 } });
    const made = () => client.post('/v1/webhooks', { ...minimal, events: ['*'] });
    // As if all but one had been made already.
    await stack.store.projects.model.updateOne({ _id: id }, { $set: { webhookCount: limit - 1 } });
    expect((await made()).status).toBe(201);
    expectRefusal(await made(), 'webhook_limit_reached');
  });

  it('holds when 20 are made at once with room for 5', async () => {
    const { id: projectId, client } = await stack.project();
    for (let n = 0; n < 95; n += 1) await makeWebhook(client, url);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.post('/v1/webhooks', minimal)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    const refused = answers.filter(({ status }) => status !== 201);
    refused.forEach((answer) => expectRefusal(answer, 'webhook_limit_reached'));
    expect(await stack.store.webhooks.model.countDocuments({ projectId })).toBe(100);
  });

  it('is not touched by webhooks that are refused', async () => {
    const { client } = await stack.project({ policy: { maxWebhooks: 1 } });
    for (let n = 0; n < 3; n += 1) {
      expect((await client.post('/v1/webhooks', { ...minimal, events: [] })).status).toBe(422);
    }
    expect((await client.post('/v1/webhooks', minimal)).status).toBe(201);
    expectRefusal(await client.post('/v1/webhooks', minimal), 'webhook_limit_reached');
  });

  it('can be set by project, also below what it holds', async () => {
    const { id, client } = await stack.project({ policy: { maxWebhooks: 2 } });
    const { id: first } = await makeWebhook(client, url);
    await makeWebhook(client, url);
    await stack.admin.patch(`/v1/projects/${id}`, { policy: { maxWebhooks: 0 } });
    expectRefusal(await client.post('/v1/webhooks', minimal), 'webhook_limit_reached');
    expect((await client.patch(`/v1/webhooks/${first}`, { name: 'Still mine' })).status).toBe(200);
  });

  it('is raised by the platform, so its customers are only told to delete one', async () => {
    const { client } = await stack.project({ policy: { maxWebhooks: 0 } });
    const { client: customer } = await portalLink(client, 'manage');
    const told = async (caller: typeof client): Promise<string> => {
      const answer = await caller.post('/v1/webhooks', minimal);
      expectRefusal(answer, 'webhook_limit_reached');
      return answer.body.error.message as string;
    };
    expect(await told(client)).toMatch(/delete one, or ask the admin to raise policy.maxWebhooks/);
    expect(await told(customer)).toMatch(/delete one$/);
  });

  it('is not what a project lacks that another process has just deleted', async () => {
    const { id, client } = await stack.project();
    await client.get('/v1/webhooks');
    // Its own process would forget the project at once.
    await stack.store.projects.model.updateOne({ _id: id }, { deletedAt: new Date() });
    expectRefusal(await client.post('/v1/webhooks', minimal), 'not_found');
  });
});
