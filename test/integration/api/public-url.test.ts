import { Browser } from '../../support/browser';
import { eventually } from '../../support/eventually';
import { ADMIN_KEY, Stack, testEnvironment } from '../../support/stack';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

const PUBLIC_URL = 'https://example.com/posthorn';
const RATE_LIMIT = 40;
const environment = testEnvironment({
  POSTHORN_PUBLIC_URL: `${PUBLIC_URL}/`,
  POSTHORN_TRUSTED_PROXIES: '1',
  POSTHORN_WRONG_KEYS_PER_MINUTE: '2',
  POSTHORN_RATE_LIMIT_PER_MINUTE: String(RATE_LIMIT),
});
const stack = useStack(environment, { worker: false });

/** Each counts as an address of its own. */
let addresses = 0;
function browserAt(origin: string): Browser {
  addresses += 1;
  return new Browser(stack.url, { origin, 'x-forwarded-for': `192.0.2.${addresses}` });
}

describe('with POSTHORN_PUBLIC_URL', () => {
  it('every link begins with it, whatever host a request names', async () => {
    const { id, client } = await stack.project();
    const elsewhere = { 'x-forwarded-host': 'evil.example' };
    const portal = await client.with(elsewhere).post('/v1/portal-links', { capabilities: 'read' });
    expect(portal.body.data.url).toBe(
      `${PUBLIC_URL}/portal/${id}/#token=${portal.body.data.token}`,
    );
    const signIn = await stack.admin.with(elsewhere).post('/v1/sign-in-links');
    expect(signIn.body.data.url).toBe(`${PUBLIC_URL}/dashboard/#sign-in=${signIn.body.data.token}`);
    const document = await (await fetch(`${stack.url}/openapi.json`)).json();
    expect(document).toMatchObject({ servers: [{ url: PUBLIC_URL }] });
  });

  it('sessions are for its pages alone, by a cookie of its own that only https carries', async () => {
    const { client } = await stack.project();
    const browser = browserAt('https://example.com');
    const answer = await browser.signIn({ key: client.key });
    expect(answer.status).toBe(201);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-posthorn_session_\+posthorn=[\w-]{43}; .*Path=\/; .*Secure/),
    ]);
    expect((await browser.send('GET', '/v1/webhooks')).status).toBe(200);
    for (const origin of [
      'http://example.com',
      'https://example.com:8443',
      'https://posthorn.example.com',
      stack.url,
      'null',
    ]) {
      const { cookie } = browser;
      expectRefusal(await browser.send('GET', '/v1/webhooks', undefined, { origin }), 'forbidden');
      expectRefusal(await browser.signIn({ key: client.key }, { origin }), 'forbidden');
      expect(browser.cookie).toBe(cookie);
    }
  });

  it('two Posthorns on one host don’t sign each other out', async () => {
    const url = 'https://example.com/other';
    const other = await Stack.start({ POSTHORN_PUBLIC_URL: url }, { worker: false });
    try {
      const browsers = [stack, other].map(
        (one) => new Browser(one.url, { origin: 'https://example.com' }),
      );
      for (const browser of browsers) {
        expect((await browser.signIn({ key: ADMIN_KEY })).status).toBe(201);
      }
      const cookie = browsers.map((browser) => browser.cookie).join('; ');
      for (const browser of browsers) {
        const answer = await browser.send('GET', '/dashboard/session', undefined, { cookie });
        expect(answer.status).toBe(200);
      }
    } finally {
      await other.stop();
    }
  });
});

describe('what needs no key', () => {
  it('is looked up for an address so often, and then refused, while its sessions begin', async () => {
    const { client } = await stack.project();
    const browser = browserAt('https://example.com');
    await browser.signIn({ key: client.key });
    const stranger = browserAt('https://example.com');
    const cookie = (n: number): string => browser.cookie.replace(/=.*/, `=unknown-${n}`);
    const portal =
      (reference: string, method = 'GET') =>
      async (n: number): Promise<number> => {
        const headers = { 'x-forwarded-for': `192.0.2.${addresses}` };
        return (await fetch(`${stack.url}/portal/${reference}${n}/`, { method, headers })).status;
      };
    const session =
      (path: string) =>
      async (n: number): Promise<number> =>
        (await stranger.send('GET', path, undefined, { cookie: cookie(n) })).status;
    const asked = [
      portal('ext:nobody'),
      portal('proj_x', 'HEAD'),
      session('/dashboard/session'),
      session('/v1/webhooks'),
    ];
    const statuses: number[] = [];
    for (let n = 0; n < 20; n += 1) statuses.push(await asked[n % 2]!(n));
    // Portals and sessions are counted apart.
    for (let n = 0; n < 20; n += 1) statuses.push(await asked[2 + (n % 2)]!(n));
    expect(statuses.includes(429)).toBe(false);
    for (const ask of asked) expect(await ask(20)).toBe(429);
    // Nor does an existing one differ.
    const { cookie: valid } = browser;
    const hidden = await stranger.send('GET', '/dashboard/session', undefined, { cookie: valid });
    expectRefusal(hidden, 'rate_limited');
    expect(hidden.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await browser.send('GET', '/dashboard/session')).status).toBe(200);
    expect((await stranger.signIn({ key: client.key })).status).toBe(201);
  });

  it('a sign-in link is left as it was by a request that is one too many', async () => {
    const { token: link } = (await stack.admin.post('/v1/sign-in-links')).body.data;
    const ask = () => stack.admin.get('/v1/projects?limit=1');
    await eventually('the minute’s requests are used up, and it is far from over', async () => {
      for (let n = 0; n < RATE_LIMIT; n += 1) await ask();
      const { status, headers } = await ask();
      return status === 429 && Number(headers.get('retry-after')) > 15;
    });
    const browser = browserAt('https://example.com');
    expectRefusal(await browser.signIn({ link }), 'rate_limited');
    expect(await stack.store.signInLinks.model.countDocuments()).toBeGreaterThan(0);
    const { expiresAt } = (await stack.store.signInLinks.model
      .findOne()
      .sort({ expiresAt: -1 })
      .lean())!;
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
  });
});
