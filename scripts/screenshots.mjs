/**
 * npm run screenshots: the pictures of the documents (docs/images), of every page of the dashboard and of the
 * portal, with a customer's webhooks of which one fails. It needs Chromium (TEST_CHROMIUM, or Debian's).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say } from './lib/console.mjs';
import { readJson } from './lib/json-file.mjs';
import { root } from './lib/paths.mjs';
import { createApi, mustCall } from './start/api.mjs';

await ensureDependencies();
await ensureBuilt();
// On a fresh clone it is installed only now.
const { chromium } = await import('playwright-core');

const CHROMIUM = process.env.TEST_CHROMIUM ?? '/usr/bin/chromium';
const folder = join(root, 'docs/images');
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 380, height: 720 };
const PATIENCE_MS = 120_000;
const SETTLED_MS = 300;
/** Nothing is being loaded in what is seen of the page. */
const isLoaded = `[...document.querySelectorAll('[class*="skeleton"]')].every(
  (each) => each.getBoundingClientRect().top > innerHeight,
)`;
/** In dark as well. */
const DARK = new Set(['overview', 'deliveries', 'delivery']);

const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-screenshots-'));
const devFile = join(dataDir, 'dev.json');
const posthorn = spawn(process.execPath, ['scripts/start.mjs'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, POSTHORN_DATA_DIR: dataDir, PORT: '' },
});
const ended = new Promise((resolve) => posthorn.on('exit', resolve));
const receiver = createServer((req, res) => {
  req.resume();
  const status = req.url === '/broken' ? 503 : 200;
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(status === 200 ? '{"received":true}' : '{"error":"the database is being upgraded"}');
});
try {
  await until('npm start', () => existsSync(devFile));
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await takeAll(readJson(devFile));
} catch (error) {
  fail(error.stack);
  process.exitCode = 1;
} finally {
  receiver.close();
  receiver.closeAllConnections();
  posthorn.kill('SIGINT');
  await ended;
  rmSync(dataDir, { recursive: true, force: true });
}

async function takeAll({ apiUrl, adminKey }) {
  mkdirSync(folder, { recursive: true });
  const admin = createApi(apiUrl, adminKey);
  const project = await mustCall(admin, 'POST', '/v1/projects?key=owner', {
    name: 'Acme newsletters',
    profile: 'autosend',
    policy: { retryDelaysMs: [60_000, 300_000, 900_000] },
  });
  const call = createApi(apiUrl, project.key);
  const ids = await fill(call);

  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    for (const theme of ['light', 'dark']) {
      const page = await newPage(browser, { colorScheme: theme, viewport: WIDE });
      const shoot = shootingOf(page, theme === 'dark' ? '-dark' : '');
      await page.goto(`${apiUrl}/dashboard/`);
      await page.getByLabel('API key').waitFor();
      if (theme === 'light') await shoot('sign-in');
      await page.getByLabel('API key').fill(project.key);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      await shoot('overview');
      for (const [name, path] of pagesOf(ids)) {
        if (theme === 'dark' && !DARK.has(name)) continue;
        await page.goto(`${apiUrl}/dashboard/#${path}`);
        await shoot(name);
      }
    }
    const { url } = await mustCall(call, 'POST', '/v1/portal-links', {
      capabilities: 'manage',
      expiresIn: 600,
    });
    const theme = { name: 'Acme', accent: '#a3215f', font: 'Georgia, serif' };
    const portal = await newPage(browser, { viewport: NARROW });
    await portal.goto(`${url}&theme=${encodeURIComponent(JSON.stringify(theme))}`);
    await portal.getByRole('heading', { level: 1 }).waitFor();
    await portal.goto(`${portal.url().split('#')[0]}#/webhooks`);
    await shootingOf(portal, '')('portal');
  } finally {
    await browser.close();
  }
}

/** Some of everything. */
async function fill(call) {
  const { port } = receiver.address();
  const webhook = (name, path, events = ['*']) =>
    mustCall(call, 'POST', '/v1/webhooks', {
      name,
      url: `http://127.0.0.1:${port}${path}`,
      events,
    });
  const orders = await webhook('Order service', '/orders');
  const broken = await webhook('CRM', '/broken', ['email.bounced']);
  const paused = await webhook('Data warehouse', '/warehouse', ['email.delivered']);
  await mustCall(call, 'POST', `/v1/webhooks/${paused.id}/pause`);
  const types = ['email.sent', 'email.delivered', 'email.opened', 'email.clicked', 'email.bounced'];
  const known = await mustCall(call, 'GET', '/v1/event-types?limit=100');
  const samples = new Map(known.eventTypes.map(({ type, sample }) => [type, sample]));
  for (let n = 0; n < 60; n += 1) {
    const type = types[n % types.length];
    await mustCall(call, 'POST', '/v1/events', { type, data: samples.get(type) });
  }
  const failing = () =>
    mustCall(call, 'GET', `/v1/deliveries?webhookId=${broken.id}&statusCode=5xx`);
  await until('a failure', async () => (await failing()).deliveries.length > 0);
  await until('all others', async () => {
    const { deliveries } = await mustCall(
      call,
      'GET',
      `/v1/deliveries?webhookId=${orders.id}&status=pending`,
    );
    return deliveries.length === 0;
  });
  const now = Date.now();
  const range = { since: new Date(now - 3_600_000), until: new Date(now) };
  const again = { webhookId: orders.id, statuses: ['succeeded'], ratePerSecond: 1, ...range };
  const replay = await mustCall(call, 'POST', '/v1/replays', again);
  const [failed] = (await failing()).deliveries;
  const { events } = await mustCall(call, 'GET', '/v1/events?limit=1');
  return { webhook: broken.id, delivery: failed.id, event: events[0].id, replay: replay.id };
}

function pagesOf({ webhook, delivery, event, replay }) {
  return [
    ['webhooks', '/webhooks'],
    ['webhook', `/webhooks/${webhook}`],
    ['webhook-new', '/webhooks/new'],
    ['webhook-edit', `/webhooks/${webhook}/edit`],
    ['deliveries', '/deliveries'],
    ['delivery', `/deliveries/${delivery}`],
    ['events', '/events'],
    ['event', `/events/${event}`],
    ['event-types', '/event-types'],
    ['event-type', '/event-types/email.bounced'],
    ['replays', '/replays'],
    ['replay', `/replays/${replay}`],
    ['replay-new', '/replays/new'],
    ['keys', '/keys'],
    ['audit', '/audit'],
    ['settings', '/settings'],
  ];
}

async function newPage(browser, options) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  return context.newPage();
}

/** Once what is loaded is there. */
function shootingOf(page, suffix) {
  return async (name) => {
    await page.getByRole('heading', { level: 1 }).waitFor();
    // What loads appears within a moment of its heading.
    await page.waitForTimeout(SETTLED_MS);
    // Not `waitForFunction`, whose texts the page's Content-Security-Policy refuses.
    await until(`${name} is loaded`, () => page.evaluate(isLoaded));
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`) });
    say(`  ${name}${suffix}.png`);
  };
}

async function until(what, check) {
  const from = Date.now();
  while (!(await check())) {
    if (Date.now() - from > PATIENCE_MS) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
