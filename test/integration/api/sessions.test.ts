import { SESSION_IDLE_MS, SESSION_LIFE_MS } from '../../../src/store/sessions';
import { ApiClient } from '../../support/api-client';
import { Browser } from '../../support/browser';
import { makeWebhook } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { ADMIN_KEY, Stack } from '../../support/stack';
import { expectRefusal, stored } from './refusal';
import { setCookie, useSignedIn } from './signed-in';

const { environment, stack, signedIn, cookieName } = useSignedIn();
const event = { type: 'email.sent', data: emailSent };
const webhook = { name: 'A', url: 'https://example.com/', events: ['*'] };

describe('a session', () => {
  it.each(['owner', 'sender', 'reader'])('has exactly the rights of its key: %s', async (role) => {
    const { browser, key } = await signedIn(role);
    const client = new ApiClient(stack.url, key);
    for (const [method, path, body] of [
      ['POST', '/v1/events', event],
      ['GET', '/v1/events'],
      ['GET', '/v1/webhooks'],
      ['POST', '/v1/webhooks', webhook],
      ['GET', '/v1/audit'],
      ['GET', '/v1/projects'],
      ['POST', '/v1/sign-in-links'],
    ] as const) {
      const [own, ofKey] = [
        await browser.send(method, path, body),
        await client.send(method, path, body),
      ];
      expect([method, path, own.status]).toEqual([method, path, ofKey.status]);
    }
  });

  it('is in the audit as its key, and its beginning and end are', async () => {
    const { owner, keyId, browser } = await signedIn();
    const made = await browser.send('POST', '/v1/webhooks', webhook);
    expect(made.status).toBe(201);
    expect((await browser.send('DELETE', '/dashboard/session')).status).toBe(200);
    const { entries } = (await owner.get('/v1/audit?limit=3')).body.data;
    expect(entries).toMatchObject([
      { action: 'session.ended', target: keyId, key: keyId, outcome: 'done' },
      { action: 'webhook.created', target: made.body.data.id, key: keyId, role: 'owner' },
      { action: 'session.created', target: keyId, key: keyId, changedFields: ['key'] },
    ]);
  });

  it('does not replace a key that is wrong', async () => {
    const { browser } = await signedIn();
    for (const authorization of ['Bearer wrong', 'Bearer ', 'Basic eDp5']) {
      const answer = await browser.send('GET', '/v1/webhooks', undefined, { authorization });
      expectRefusal(answer, 'unauthorized');
    }
  });

  it('is only for the routes of /v1', async () => {
    const { browser } = await signedIn();
    expectRefusal(await browser.send('GET', '/api/webhooks/manage'), 'unauthorized');
  });

  it('ends when it is signed out, also for those who have kept its cookie', async () => {
    const { browser } = await signedIn();
    const { cookie } = browser;
    const answer = await browser.send('DELETE', '/dashboard/session');
    expect(setCookie(answer.headers)).toMatch(/^posthorn_session_\d+=; Max-Age=0/);
    for (const path of ['/v1/webhooks', '/dashboard/session']) {
      expectRefusal(await browser.send('GET', path, undefined, { cookie }), 'unauthorized');
    }
  });

  it('ends with its key: revoked, expired, or deleted with its project', async () => {
    const isRefused = async (browser: Browser): Promise<boolean> =>
      (await browser.send('GET', '/v1/webhooks')).status === 401;
    const revoked = await signedIn();
    await revoked.owner.delete(`/v1/projects/${revoked.id}/keys/${revoked.keyId}`);
    expect(await isRefused(revoked.browser)).toBe(true);
    expectRefusal(await revoked.browser.send('GET', '/dashboard/session'), 'unauthorized');
    const deleted = await signedIn();
    await stack.admin.delete(`/v1/projects/${deleted.id}`);
    expect(await isRefused(deleted.browser)).toBe(true);

    const { id, client: owner } = await stack.project();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const made = await owner.post(`/v1/projects/${id}/keys`, {
      name: 'x',
      role: 'owner',
      expiresAt,
    });
    const expiring = new Browser(stack.url);
    const answer = await expiring.signIn({ key: made.body.data.key });
    expect(answer.body.data.expiresAt).toBe(expiresAt);
    expect(await isRefused(expiring)).toBe(false);
    // Its hour goes by.
    const _id = made.body.data.id as string;
    const hasEnded = { expiresAt: new Date(Date.now() - 60_000) };
    await stack.store.keys.model.updateOne({ _id }, { $set: hasEnded });
    await eventually('it has ended', () => isRefused(expiring));
  });

  it('has the role that its key has now', async () => {
    const { keyId, browser } = await signedIn('owner');
    expect((await browser.send('POST', '/v1/webhooks', webhook)).status).toBe(201);
    await stack.store.keys.model.updateOne({ _id: keyId }, { $set: { role: 'reader' } });
    await eventually('it is a reader’s', async () => {
      const { status } = await browser.send('POST', '/v1/webhooks', webhook);
      return status === 403;
    });
    const { body } = await browser.send('GET', '/dashboard/session');
    expect(body.data.role).toBe('reader');
  });

  it('ends after two hours without use, and after twelve however it is used', async () => {
    const { keyId, browser } = await signedIn();
    const { model } = stack.store.sessions;
    const { lastUsedAt, expiresAt, endsAt } = (await model.findOne({ keyId }).lean())!;
    expect(expiresAt.getTime() - lastUsedAt.getTime()).toBe(SESSION_IDLE_MS);
    expect(endsAt.getTime() - lastUsedAt.getTime()).toBe(SESSION_LIFE_MS);
    const shifted = (hours: number): Record<string, Date> =>
      Object.fromEntries(
        Object.entries({ lastUsedAt, expiresAt, endsAt }).map(([name, time]) => [
          name,
          new Date(time.getTime() - hours * 3600_000),
        ]),
      );
    // Unused for an hour: it is prolonged by its use, but not its end.
    await model.updateOne({ keyId }, { $set: shifted(1) });
    await eventually('its use is noted', async () => {
      await browser.send('GET', '/v1/webhooks');
      return (await model.findOne({ keyId }).lean())!.expiresAt >= expiresAt;
    });
    await model.updateOne({ keyId }, { $set: { ...shifted(11), expiresAt: shifted(11).endsAt } });
    await eventually('its use is noted', async () => {
      await browser.send('GET', '/v1/webhooks');
      return (await model.findOne({ keyId }).lean())!.lastUsedAt >= lastUsedAt;
    });
    const noted = (await model.findOne({ keyId }).lean())!;
    expect(noted.expiresAt).toEqual(noted.endsAt);
    await model.updateOne({ keyId }, { $set: { expiresAt: new Date() } });
    await eventually('it has ended', async () => {
      const { status } = await browser.send('GET', '/v1/webhooks');
      return status === 401;
    });
  });

  it('ends when the admin key changes, and so do sign-in links', async () => {
    const { browser } = await signedIn();
    const link = (await stack.admin.post('/v1/sign-in-links')).body.data.token as string;
    const POSTHORN_ADMIN_KEY = 'another-admin-key-0123456789';
    const other = await Stack.start({ ...environment, POSTHORN_ADMIN_KEY }, { worker: false });
    try {
      const elsewhere = new Browser(other.url);
      expectRefusal(await elsewhere.signIn({ link }), 'unauthorized');
      elsewhere.cookie = browser.cookie;
      expectRefusal(await elsewhere.send('GET', '/v1/webhooks'), 'unauthorized');
    } finally {
      await other.stop();
    }
  });

  it('and a link are stored as hashes only', async () => {
    const { browser } = await signedIn();
    const link = (await stack.admin.post('/v1/sign-in-links')).body.data.token as string;
    const { sessions, signInLinks, audit } = stack.store;
    const found = await Promise.all(
      [sessions, signInLinks, audit].map(({ model }) => model.collection.find().toArray()),
    );
    for (const secret of [browser.cookie.split('=')[1]!, browser.csrfToken, link]) {
      expect(JSON.stringify(found)).not.toContain(secret);
    }
  });
});

describe('an attack on a session', () => {
  it('from another origin, or without the CSRF token, changes nothing', async () => {
    const { id, browser } = await signedIn();
    const other = await signedIn();
    const { id: webhookId } = await makeWebhook(
      new ApiClient(stack.url, other.key),
      'https://example.com/',
    );
    const before = await stored(stack);
    const port = new URL(stack.url).port;
    const attacks: Record<string, string | undefined>[] = [
      { 'x-csrf-token': undefined },
      { 'x-csrf-token': 'x'.repeat(64) },
      { 'x-csrf-token': other.browser.csrfToken },
      { 'x-csrf-token': `${browser.csrfToken}0` },
      { origin: 'https://evil.example' },
      { origin: undefined, 'sec-fetch-site': 'same-site' },
      { origin: undefined, 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
      { origin: 'nonsense' },
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { origin: `http://localhost:${port}` },
      { origin: `http://127.0.0.1:${port}.evil.example` },
      { origin: `http://evil.example@127.0.0.1` },
    ];
    for (const attack of attacks) {
      for (const [method, path, body] of [
        ['POST', '/v1/webhooks', webhook],
        ['POST', '/v1/events', event],
        ['PATCH', `/v1/webhooks/${webhookId}`, { name: 'B' }],
        ['DELETE', `/v1/webhooks/${webhookId}`],
        ['DELETE', '/dashboard/session'],
      ] as const) {
        const answer = await browser.send(method, path, body, attack);
        expect([attack, method, path, answer.status]).toEqual([attack, method, path, 403]);
      }
    }
    // As a form or an image of another site would send it; it gets no answer that it could read either.
    const foreign = { origin: 'https://evil.example' };
    const read = await browser.send('GET', `/v1/webhooks`, undefined, foreign);
    expectRefusal(read, 'forbidden');
    const image = { origin: undefined, 'sec-fetch-site': 'same-site' };
    expectRefusal(await browser.send('GET', `/v1/webhooks`, undefined, image), 'forbidden');
    for (const site of ['same-origin', 'none']) {
      const own = { origin: undefined, 'sec-fetch-site': site };
      expect((await browser.send('GET', `/v1/webhooks`, undefined, own)).status).toBe(200);
    }
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
    expectRefusal(await browser.signIn({ key: ADMIN_KEY }, foreign), 'forbidden');
    expect(await stored(stack)).toEqual(before);
    expect(
      (await browser.send('GET', '/v1/webhooks', undefined, { 'x-project-id': id })).status,
    ).toBe(200);
  });

  it('by fixing its cookie beforehand is in vain', async () => {
    const victim = await signedIn();
    const attacker = await signedIn();
    const { cookie, csrfToken } = attacker.browser;
    for (const planted of [cookie, `${cookieName()}=chosen-by-the-attacker`]) {
      victim.browser.cookie = planted;
      await victim.browser.signIn({ key: victim.key });
      expect(victim.browser.cookie).not.toBe(planted);
      expect(victim.browser.csrfToken).not.toBe(csrfToken);
      const answer = await attacker.browser.send('GET', '/v1/webhooks', undefined, {
        cookie: planted,
      });
      expectRefusal(answer, 'unauthorized');
    }
  });

  it('by a cookie that is none, or another one’s name, is refused', async () => {
    const { browser } = await signedIn();
    const token = browser.cookie.split('=')[1]!;
    for (const cookie of [
      `${cookieName()}=${token}x`,
      `${cookieName()}=${token.slice(1)}`,
      `X${cookieName()}=${token}`,
      `__Host-${cookieName()}=${token}`,
      // Of a Posthorn at the host's own port.
      `posthorn_session=${token}`,
      `${cookieName()}=`,
      `${cookieName()}[$ne]=x`,
      `${cookieName()}=${'x'.repeat(8000)}`,
    ]) {
      expectRefusal(
        await browser.send('GET', '/v1/webhooks', undefined, { cookie }),
        'unauthorized',
      );
    }
    const many = `a=1; ${browser.cookie}; b=2`;
    expect((await browser.send('GET', '/v1/webhooks', undefined, { cookie: many })).status).toBe(
      200,
    );
  });
});
