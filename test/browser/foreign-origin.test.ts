import { signIn, useChromium } from '../support/chromium';
import { title } from '../support/dashboard';
import { eventually, soon } from '../support/eventually';
import { withForeignPage } from '../support/foreign-page';
import { useStack } from '../support/use';
import { stored } from '../integration/api/refusal';

const stack = useStack({}, { worker: false });
const { visit } = useChromium();

/** Tries whatever a page can send without being asked first, and what it can't; then says what it could read. */
const attacksOn = (api: string): string => `
<iframe name="target" title="Target"></iframe>
<script type="module">
  const api = ${JSON.stringify(api)};
  const webhook = JSON.stringify({ name: 'Foreign', url: 'https://evil.example/', events: ['*'] });
  const readable = [];
  const attempt = async (path, init) => {
    try {
      const answer = await fetch(api + path, { credentials: 'include', ...init });
      if (answer.type !== 'opaque') readable.push(path);
    } catch {}
  };
  const json = { 'content-type': 'application/json' };
  for (const mode of ['cors', 'no-cors']) {
    for (const path of ['/v1/webhooks', '/dashboard/session', '/v1/stream', '/dashboard/']) {
      await attempt(path, { mode });
    }
    await attempt('/v1/webhooks', { mode, method: 'POST', body: webhook });
    await attempt('/dashboard/session', { mode, method: 'POST', body: '{"key":"phk_attackers"}' });
  }
  await attempt('/v1/webhooks', { method: 'POST', body: webhook, headers: json });
  await attempt('/v1/webhooks', { method: 'POST', body: webhook, headers: { 'x-csrf-token': 'x' } });
  await attempt('/dashboard/session', { method: 'DELETE' });
  const stream = new EventSource(api + '/v1/stream', { withCredentials: true });
  await new Promise((resolve) => {
    stream.onopen = () => resolve(readable.push('stream'));
    stream.onerror = resolve;
  });
  stream.close();
  for (const path of ['/v1/webhooks', '/dashboard/session']) {
    const form = Object.assign(document.createElement('form'), {
      action: api + path,
      method: 'post',
      enctype: 'text/plain',
      target: 'target',
    });
    const field = Object.assign(document.createElement('input'), { name: webhook, value: '' });
    form.append(field);
    document.body.append(form);
    const answered = new Promise((resolve) => {
      document.querySelector('iframe').addEventListener('load', resolve, { once: true });
    });
    form.submit();
    await answered;
  }
  const result = Object.assign(document.createElement('output'), { id: 'readable' });
  result.textContent = JSON.stringify(readable);
  document.body.append(result);
</script>`;

it.each([
  // Ports don't matter to SameSite: from there the cookie is sent, and Posthorn itself has to refuse.
  ['of the same site', '127.0.0.1', 403],
  ['of another site', 'localhost', 401],
])(
  'a page %s neither changes nor reads anything in a signed-in browser',
  async (_what, host, status) => {
    const { client } = await stack.project();
    const page = await visit(`${stack.url}/dashboard/`);
    await signIn(page, client.key);
    const before = await stored(stack);
    const foreign = await page.context().newPage();
    // As sent by the server, also where the browser keeps an answer from the page.
    const network = await page.context().newCDPSession(foreign);
    const requests = new Map<string, string>();
    const statuses = new Map<string, number>();
    network.on('Network.requestWillBeSent', ({ requestId, request: { method, url } }) => {
      if (url.startsWith(stack.url)) requests.set(requestId, `${method} ${new URL(url).pathname}`);
    });
    network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => {
      statuses.set(requestId, statusCode);
    });
    await network.send('Network.enable');
    await withForeignPage(
      attacksOn(stack.url),
      async (url) => {
        await foreign.goto(url);
        await soon(async () => expect(await foreign.locator('#readable').textContent()).toBe('[]'));
      },
      host,
    );
    const answered = (): string[] =>
      [...requests].map(([id, request]) => `${request} ${statuses.get(id)}`);
    for (const expected of [
      `GET /v1/webhooks ${status}`,
      `POST /v1/webhooks ${status}`,
      `GET /v1/stream ${status}`,
      'GET /dashboard/session 403',
      'POST /dashboard/session 403',
      'GET /dashboard/ 200',
    ]) {
      // The page is not told in the same way.
      await soon(async () => expect(answered()).toContain(expected));
    }
    const successes = new Set(answered().filter((one) => / (2\d\d)$/.test(one)));
    expect([...successes]).toEqual(['GET /dashboard/ 200']);
    expect(await stored(stack)).toEqual(before);
    await page.reload();
    await title(page, 'Overview').waitFor();
  },
);

it('the dashboard is not shown in a frame of another origin', async () => {
  const html = `<iframe title="Framed" src="${stack.url}/dashboard/"></iframe>`;
  await withForeignPage(html, async (foreign) => {
    const page = await visit(foreign, { refused: /frame-ancestors/ });
    const [, frame] = page.frames();
    await eventually('the frame is refused', () => frame!.url().startsWith('chrome-error:'));
  });
});

it('an address of the dashboard without # shows the page that is meant', async () => {
  const { client } = await stack.project();
  const page = await visit(`${stack.url}/dashboard/deliveries?status=failed`);
  await page.getByLabel('API key').fill(client.key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await title(page, 'Deliveries').waitFor();
  expect(page.url()).toBe(`${stack.url}/dashboard/#/deliveries?status=failed`);
});
