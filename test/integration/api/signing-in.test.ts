import { SESSION_LIFE_MS } from '../../../src/store/sessions';
import { ApiClient } from '../../support/api-client';
import { Browser } from '../../support/browser';
import { emailSent } from '../../support/samples';
import { ADMIN_KEY } from '../../support/stack';
import { expectRefusal } from './refusal';
import { setCookie, useSignedIn } from './signed-in';

const { stack, signedIn, cookieName } = useSignedIn();
const event = { type: 'email.sent', data: emailSent };

describe('signing in', () => {
  it('with a key sets a cookie that scripts and other sites don’t get, and shows the key’s role', async () => {
    const { id, keyId, browser, answer } = await signedIn('reader');
    const { csrfToken, expiresAt } = answer.body.data;
    expect(answer.body.data).toEqual({
      role: 'reader',
      keyId,
      projectId: id,
      csrfToken: expect.stringMatching(/^[0-9a-f]{64}$/),
      expiresAt: expect.any(String),
    });
    const lifeMs = Date.parse(expiresAt as string) - Date.now();
    expect(Math.abs(lifeMs - SESSION_LIFE_MS)).toBeLessThan(60_000);
    const cookie = setCookie(answer.headers);
    expect(cookie.slice(0, cookie.indexOf('='))).toBe(cookieName());
    expect(cookie).toMatch(/=[\w-]{43}; .*Path=\/; .*HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain('Domain');
    const shown = await browser.send('GET', '/dashboard/session');
    expect(shown.body.data).toEqual({ ...answer.body.data, csrfToken });
    expect(JSON.stringify(shown.body)).not.toContain(browser.cookie.split('=')[1]);
  });

  it('takes a body of 4 KiB, and says so of a larger one', async () => {
    const answer = await new Browser(stack.url).signIn({ key: 'x'.repeat(5000) });
    expectRefusal(answer, 'payload_too_large');
    expect(answer.body.error.message).toBe('the body is larger than 4 KiB');
  });

  it('behind https sets a cookie that only this host’s https can set and send', async () => {
    const https = { 'x-forwarded-proto': 'https', origin: stack.url.replace('http:', 'https:') };
    const { browser, answer } = await signedIn('owner', https);
    expect(setCookie(answer.headers)).toMatch(/^__Host-posthorn_session_\d+=[\w-]{43}; .*Secure/);
    expect((await browser.send('GET', '/v1/webhooks')).status).toBe(200);
    // As a page of plain http could have set it.
    const cookie = browser.cookie.replace('__Host-', '');
    expectRefusal(await browser.send('GET', '/v1/webhooks', undefined, { cookie }), 'unauthorized');
    const downgraded = await browser.send('GET', '/v1/webhooks', undefined, { origin: stack.url });
    expectRefusal(downgraded, 'forbidden');
  });

  it('with the admin key allows what it allows, with x-project-id', async () => {
    const { id } = await stack.project();
    const browser = new Browser(stack.url);
    const answer = await browser.signIn({ key: ADMIN_KEY });
    expect(answer.body.data).toMatchObject({ role: 'admin', keyId: 'admin', projectId: null });
    expect((await browser.send('GET', '/v1/projects')).status).toBe(200);
    const inProject = { 'x-project-id': id };
    expect((await browser.send('POST', '/v1/events', event, inProject)).status).toBe(202);
    expectRefusal(await browser.send('GET', '/v1/webhooks'), 'validation_failed', ['x-project-id']);
    // Scraped by machines.
    expectRefusal(await browser.send('GET', '/metrics'), 'unauthorized');
  });

  it.each([
    ['nothing', {}, ['key']],
    ['both', { key: ADMIN_KEY, link: 'x' }, ['key']],
    ['a key that is no text', { key: { $ne: '' } }, ['key']],
    ['an unknown field', { key: ADMIN_KEY, role: 'admin' }, ['role']],
    ['an overlong link', { link: 'x'.repeat(1001) }, ['link']],
  ])('with %s is refused', async (_what, body, fields) => {
    expectRefusal(await new Browser(stack.url).signIn(body), 'validation_failed', fields);
  });

  it('with wrong keys and links counts like wrong keys', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.7' };
    const browser = new Browser(stack.url, headers);
    const limit = stack.config.wrongKeysPerMinute;
    for (let n = 0; n < limit; n += 1) {
      const body = n % 2 === 0 ? { key: `wrong-${n}` } : { link: `wrong-${n}` };
      expectRefusal(await browser.signIn(body), 'unauthorized');
    }
    for (const body of [{ key: ADMIN_KEY }, { link: 'wrong' }]) {
      expectRefusal(await browser.signIn(body), 'rate_limited');
    }
    const { status } = await new ApiClient(stack.url, ADMIN_KEY, headers).get('/v1/projects');
    expect(status).toBe(429);
    expect((await new Browser(stack.url).signIn({ key: ADMIN_KEY })).status).toBe(201);
  });

  it('keeps a key to a hundred sessions: the oldest ends', async () => {
    const { keyId, browser, key } = await signedIn();
    const { model } = stack.store.sessions;
    const { _id: _oldest, ...like } = (await model.findOne({ keyId }).lean())!;
    const earlier = { ...like, keyId, endsAt: new Date(Date.now() + 3600_000) };
    await model.insertMany(
      Array.from({ length: 99 }, (_, n) => ({ ...earlier, _id: `${keyId}${n}` })),
    );
    expect((await new Browser(stack.url).signIn({ key })).status).toBe(201);
    expect(await model.countDocuments({ keyId })).toBe(100);
    expect((await browser.send('GET', '/v1/webhooks')).status).toBe(200);
  });
});

describe('a sign-in link', () => {
  it('opens the dashboard, and signs in as the admin, once', async () => {
    const made = await stack.admin.post('/v1/sign-in-links');
    expect(made.status).toBe(201);
    const { url, token, expiresAt } = made.body.data;
    expect(url).toBe(`${stack.url}/dashboard/#sign-in=${token}`);
    const lifeMs = Date.parse(expiresAt as string) - Date.now();
    expect(Math.abs(lifeMs - 15 * 60_000)).toBeLessThan(60_000);
    const browsers = Array.from({ length: 10 }, () => new Browser(stack.url));
    const answers = await Promise.all(browsers.map((browser) => browser.signIn({ link: token })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const at = answers.findIndex(({ status }) => status === 201);
    expect(answers[at]!.body.data).toMatchObject({ role: 'admin' });
    expect((await browsers[at]!.send('GET', '/v1/projects')).status).toBe(200);
    expectRefusal(await new Browser(stack.url).signIn({ link: token }), 'unauthorized');
    const { entries } = (await stack.admin.get('/v1/audit?action=sign_in_link.created')).body.data;
    expect(entries[0]).toMatchObject({ key: 'admin', target: null, projectId: null });
  });

  it('still signs in after a request with it was refused', async () => {
    const { token: link } = (await stack.admin.post('/v1/sign-in-links')).body.data;
    const browser = new Browser(stack.url);
    const unknown = { 'x-project-id': 'proj_0192f5a7c1d07b3e9a4c5d6e7f801234' };
    expectRefusal(await browser.signIn({ link }, unknown), 'not_found');
    expectRefusal(await browser.signIn({ link }, { origin: 'https://evil.example' }), 'forbidden');
    expectRefusal(await browser.signIn({ link, key: 'x' }), 'validation_failed', ['key']);
    expect((await browser.signIn({ link })).status).toBe(201);
    expectRefusal(await browser.signIn({ link }), 'unauthorized');
  });

  it('is refused after its time', async () => {
    const { token } = (await stack.admin.post('/v1/sign-in-links')).body.data;
    const expiresAt = new Date(Date.now() - 60_000);
    await stack.store.signInLinks.model.updateMany({}, { $set: { expiresAt } });
    expectRefusal(await new Browser(stack.url).signIn({ link: token }), 'unauthorized');
  });

  it('is no session, no key, and not made by a project’s key', async () => {
    const { client } = await stack.project();
    expectRefusal(await client.post('/v1/sign-in-links'), 'forbidden');
    const { token } = (await stack.admin.post('/v1/sign-in-links')).body.data;
    const browser = new Browser(stack.url);
    browser.cookie = `${cookieName()}=${token}`;
    expectRefusal(await browser.send('GET', '/v1/projects'), 'unauthorized');
    expectRefusal(
      await new ApiClient(stack.url, token as string).get('/v1/projects'),
      'unauthorized',
    );
    expectRefusal(await browser.signIn({ key: token }), 'unauthorized');
  });
});
