import { newId } from '../../../src/contracts/ids';
import { stretched } from '../../../src/api/http/derived-key';
import { PortalTokens } from '../../../src/api/http/portal-tokens';
import { ApiClient, type Answer } from '../../support/api-client';
import { Browser } from '../../support/browser';
import { makeWebhook } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { portalLink } from '../../support/portal-link';
import { ADMIN_KEY } from '../../support/stack';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

const stack = useStack({}, { worker: false });

describe('a token that is refused', () => {
  const isRefused = async (token: string, path = '/v1/webhooks'): Promise<Answer> =>
    new ApiClient(stack.url, token).get(path);

  it('has expired', async () => {
    const { id, client } = await stack.project();
    const key = (await client.get(`/v1/projects/${id}/keys`)).body.data.keys[0].id as string;
    const tokens = new PortalTokens(stack.store, {} as never, stretched(ADMIN_KEY));
    const content = { id: newId('portalLink'), projectId: id, capabilities: 'read' } as const;
    const sign = (expiresAt: number, keyId = key): string =>
      tokens.sign({ ...content, keyId, revocations: 0, expiresAt });
    expect((await isRefused(sign(Date.now() + 60_000))).status).toBe(200);
    const answer = await isRefused(sign(Date.now() - 1000));
    expectRefusal(answer, 'unauthorized');
    expect(answer.body.error.message).toContain('expired');
    // Made with a key that never was.
    expectRefusal(await isRefused(sign(Date.now() + 60_000, newId('key'))), 'unauthorized');
  });

  it('has expired with the key that made it', async () => {
    const { id, client } = await stack.project();
    const inMinutes = (minutes: number): string =>
      new Date(Date.now() + minutes * 60_000).toISOString();
    const linkBy = async (expiresAt: string) => {
      const key = { name: 'Maker', role: 'owner', expiresAt };
      const made = await client.post(`/v1/projects/${id}/keys`, key);
      return portalLink(new ApiClient(stack.url, made.body.data.key), 'read', 600);
    };
    const soon = inMinutes(5);
    const { expiresAt, token } = await linkBy(soon);
    expect(expiresAt).toBe(soon);
    const [content] = token.slice('php_'.length).split('.');
    expect(JSON.parse(Buffer.from(content!, 'base64url').toString())).toMatchObject({
      expiresAt: Date.parse(soon),
    });
    expect(Date.parse((await linkBy(inMinutes(20))).expiresAt)).toBeLessThan(
      Date.parse(inMinutes(11)),
    );
  });

  it('was changed, cut, or signed by someone else, or with the admin key as it is', async () => {
    const { id, client } = await stack.project();
    const other = await stack.project();
    const { token } = await portalLink(client, 'read');
    const [, body, signature] = /^php_([\w-]+)\.([\w-]+)$/.exec(token)!;
    const content = JSON.parse(Buffer.from(body!, 'base64url').toString()) as object;
    const changed = (fields: object): string =>
      `php_${Buffer.from(JSON.stringify({ ...content, ...fields })).toString('base64url')}.${signature}`;
    const foreign = [stretched('another-admin-key-0123456789'), Buffer.from(ADMIN_KEY)].map(
      (rootKey) => new PortalTokens(stack.store, {} as never, rootKey),
    );
    for (const forged of [
      changed({ capabilities: 'manage' }),
      changed({ projectId: other.id }),
      changed({ expiresAt: 4e12 }),
      changed({ keyId: 'admin' }),
      `php_${body}.`,
      `php_${body}`,
      `php_${body}.${signature!.slice(1)}`,
      `php_${body}.${signature}A`,
      `php_.${signature}`,
      ...foreign.map((tokens) =>
        tokens.sign({
          id: newId('portalLink'),
          projectId: id,
          capabilities: 'read',
          keyId: 'admin',
          revocations: 0,
          expiresAt: 4e12,
        }),
      ),
    ]) {
      expectRefusal(await isRefused(forged), 'unauthorized');
    }
  });

  it('is of another project', async () => {
    const own = await stack.project();
    const other = await stack.project();
    const { id: webhook } = await makeWebhook(other.client, 'https://example.com/');
    const { client } = await portalLink(own.client, 'manage');
    for (const projectId of [other.id, newId('project'), 'nonsense']) {
      const answer = await client.with({ 'x-project-id': projectId }).get('/v1/webhooks');
      expectRefusal(answer, 'forbidden');
    }
    expectRefusal(await client.get(`/v1/webhooks/${webhook}`), 'not_found');
    expectRefusal(await client.delete(`/v1/webhooks/${webhook}`), 'not_found');
    expect((await client.get('/v1/deliveries')).body.data.deliveries).toEqual([]);
  });

  it('was revoked, while later ones work', async () => {
    const { client } = await stack.project();
    const earlier = await Promise.all([
      portalLink(client, 'read'),
      portalLink(client, 'manage', 86_400),
    ]);
    expect((await client.delete('/v1/portal-links')).body.data.revoked).toBe(true);
    for (const { token } of earlier) expectRefusal(await isRefused(token), 'unauthorized');
    expect((await isRefused((await portalLink(client, 'read')).token)).status).toBe(200);
    const { entries } = (await client.get('/v1/audit?action=portal_links.revoked')).body.data;
    expect(entries).toHaveLength(1);
  });

  it('was made with a key that is revoked, or no longer an owner’s; or its project is deleted', async () => {
    const { id, client } = await stack.project();
    const maker = async (): Promise<{ keyId: string; token: string }> => {
      const made = await client.post(`/v1/projects/${id}/keys`, { name: 'Maker', role: 'owner' });
      const { token } = await portalLink(new ApiClient(stack.url, made.body.data.key), 'manage');
      expect((await isRefused(token)).status).toBe(200);
      return { keyId: made.body.data.id as string, token };
    };
    const revoked = await maker();
    await client.delete(`/v1/projects/${id}/keys/${revoked.keyId}`);
    expectRefusal(await isRefused(revoked.token), 'unauthorized');
    const demoted = await maker();
    await stack.store.keys.model.updateOne({ _id: demoted.keyId }, { $set: { role: 'reader' } });
    await eventually('it is refused', async () => (await isRefused(demoted.token)).status === 401);
    const { token } = await portalLink(client, 'read');
    await stack.admin.delete(`/v1/projects/${id}`);
    expectRefusal(await isRefused(token), 'unauthorized');
  });

  it('is used where only keys are accepted', async () => {
    const { client } = await stack.project({ profile: 'platform' });
    const { token } = await portalLink(client, 'manage');
    expectRefusal(await isRefused(token, '/api/webhooks/manage'), 'unauthorized');
    expectRefusal(await isRefused('', `/api/webhooks/manage?token=${token}`), 'unauthorized');
    expectRefusal(await isRefused(token, '/metrics'), 'unauthorized');
    expectRefusal(await new Browser(stack.url).signIn({ key: token }), 'unauthorized');
  });
});
