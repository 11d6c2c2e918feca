import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expectAccessible, NARROW, signIn, useChromium } from '../support/chromium';
import { eventually } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';
import { useReceiver, useStack } from '../support/use';

/** A tag, and a mark that turns the direction of what follows. */
const HOSTILE = '<img src=x onerror="document.title=\'owned\'">\u202Egnp.exe';
const SCHEMA = {
  type: 'object',
  properties: { orderId: { type: 'string' }, total: { type: 'number' } },
  required: ['orderId', 'total'],
};
const SAMPLE = { orderId: 'ord_1', total: 49.9 };

const receiver = useReceiver();
const stack = useStack();
const { visit } = useChromium();

const keys = { owner: '', reader: '', autosend: '' };
let projectId: string;
let webhookId: string;

beforeAll(async () => {
  const { id, client } = await stack.project({ name: HOSTILE, profile: 'custom' });
  projectId = id;
  keys.owner = client.key;
  keys.reader = (await stack.client(id, 'reader')).key;
  keys.autosend = (await stack.project({ name: 'Newsletters' })).client.key;
  const definition = { description: `Paid. ${HOSTILE}`, schema: SCHEMA, sample: SAMPLE };
  await client.send('PUT', '/v1/event-types/order.paid', definition);
  const webhook = { name: HOSTILE, url: receiver.url, events: ['*'] };
  webhookId = (await client.post('/v1/webhooks', webhook)).body.data.id;
});

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true });
const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });
const inDialog = (page: Page, name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });

/** Signed in, on that page of the navigation. */
async function open(key: string, name: string): Promise<Page> {
  const page = await visit(`${stack.url}/dashboard/`);
  await signIn(page, key);
  await link(page, name).click();
  await title(page, name).waitFor();
  return page;
}

/** axe in both themes, and nothing beyond the side at 380 px; pictures for people go into `SCREENSHOTS`. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  const shoot = async (as: string): Promise<void> => {
    if (folder) await page.screenshot({ path: `${folder}/${name}-${as}.png` });
  };
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.locator(`html[data-theme="${theme}"]`).waitFor();
    await expectAccessible(page);
    await shoot(theme);
  }
  const wide = page.viewportSize()!;
  await page.setViewportSize(NARROW);
  const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate<number>(overhang)).toBe(0);
  await shoot('narrow');
  await page.setViewportSize(wide);
}

it('sends an event by hand, shows what became of it, and deletes its payload', async () => {
  const page = await open(keys.owner, 'Events');
  await page.getByText('No events yet').waitFor();
  await button(page, 'Send event').first().click();
  const data = page.getByLabel('Data (JSON)');
  await data.fill('{"orderId":');
  await inDialog(page, 'Send event').click();
  await page.getByText('Not valid JSON').waitFor();
  await data.fill('{"orderId": 7, "total": 1}');
  await inDialog(page, 'Send event').click();
  await page.getByText('data.orderId must be a string').waitFor();
  await look(page, 'event-send');
  // A number that JavaScript would round, and what would be a tag if it were not text.
  await data.fill(`{"orderId": ${JSON.stringify(HOSTILE)}, "total": 12345678901234567890}`);
  await inDialog(page, 'Send event').click();
  await title(page, 'order.paid').waitFor();
  await page.getByText('Succeeded').waitFor();
  const payload = await page.getByRole('region', { name: 'Payload' }).textContent();
  expect(payload).toContain('<img src=x');
  expect(payload).toContain('\\u202egnp.exe');
  expect(payload).toContain('12345678901234567890');
  const [request] = await receiver.waitFor(1);
  expect(request!.rawBody.toString()).toContain('12345678901234567890');
  expect(await page.title()).toBe('order.paid · Posthorn');
  await look(page, 'event');
  await button(page, 'Delete payload').click();
  await page.getByText('What remains').waitFor();
  await look(page, 'event-expunge');
  await inDialog(page, 'Delete payload').click();
  await page.getByText('The payload of this event was deleted').waitFor();
  await link(page, 'Events').first().click();
  await page.getByRole('row', { name: /order\.paid.*Payload deleted/ }).waitFor();
  await page.getByLabel('Time range').selectOption('24h');
  await page.waitForURL(/period=24h/);
  await page.getByRole('row', { name: /order\.paid/ }).waitFor();
  await look(page, 'events');
  await button(page, 'Export').click();
  const file = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'As CSV' }).click();
  const saved = await readFile(await (await file).path(), 'utf8');
  expect(saved.trim().split('\r\n')).toHaveLength(2);
});

it('defines, changes and deletes event types where the project has its own', async () => {
  const page = await open(keys.owner, 'Event types');
  await page.getByRole('row', { name: /order\.paid/ }).waitFor();
  await look(page, 'event-types');
  await link(page, 'Add event type').click();
  await title(page, 'Add event type').waitFor();
  await page.getByLabel('Name').fill('order.paid');
  await button(page, 'Save event type').click();
  await page.getByText('There is one of this name already').waitFor();
  await page.getByLabel('Name').fill('Order Sent');
  await page.getByLabel('Description').fill('An order was sent.');
  await page.getByLabel('Sample').fill('{"orderId": 1}');
  await button(page, 'Save event type').click();
  await page.getByText('must be words of a-z').waitFor();
  await page.getByLabel('Name').fill('order.sent');
  await button(page, 'Save event type').click();
  await page.getByText(/orderId must be a string/i).waitFor();
  await look(page, 'event-type-new');
  await page.getByLabel('Sample').fill('{"orderId": "ord_1"}');
  await button(page, 'Save event type').click();
  await title(page, 'order.sent').waitFor();
  await look(page, 'event-type');
  await link(page, 'Edit').click();
  await page.getByLabel('Description').fill('It was sent.');
  await button(page, 'Save event type').click();
  await page.getByText('It was sent.').waitFor();
  await button(page, 'Delete').click();
  await inDialog(page, 'Delete event type').click();
  await page.getByRole('row', { name: /order\.paid/ }).waitFor();
  expect(await page.getByRole('row', { name: /order\.sent/ }).count()).toBe(0);
});

it('says why a profile’s event types can’t be changed, and offers nothing', async () => {
  const page = await open(keys.autosend, 'Event types');
  await page.getByText('These are the types of the project’s profile').waitFor();
  expect(await link(page, 'Add event type').count()).toBe(0);
  await link(page, 'email.delivered').click();
  await page.getByText('belongs to the project’s profile').waitFor();
  expect(await link(page, 'Edit').count()).toBe(0);
});

it('counts what a replay would send, starts it, and pauses, resumes and cancels it', async () => {
  const owner = stack.admin.with({ 'x-project-id': projectId });
  await owner.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
  for (let count = 0; count < 3; count += 1) {
    await owner.post('/v1/events', { type: 'order.paid', data: SAMPLE });
  }
  await eventually('they are skipped', async () => {
    const { body } = await owner.get('/v1/deliveries?status=skipped');
    return body.data.deliveries.length === 3;
  });
  await owner.patch(`/v1/webhooks/${webhookId}`, { isActive: true });
  const page = await open(keys.owner, 'Replays');
  await page.getByText('No replays yet').waitFor();
  await link(page, 'New replay').first().click();
  await page.getByLabel('Deliveries per second').fill('many');
  await button(page, 'Count deliveries').click();
  await page.getByText('Enter a number.').waitFor();
  await page.getByLabel('Deliveries per second').fill('0.1');
  await page.getByLabel('Until').fill('2099-01-01T00:00:00');
  await button(page, 'Count deliveries').click();
  await page.getByText('3 deliveries. It takes about').waitFor();
  await look(page, 'replay-new');
  await button(page, 'Send 3 deliveries again').click();
  await title(page, 'Replay').waitFor();
  await button(page, 'Pause').click();
  await button(page, 'Resume').waitFor();
  await look(page, 'replay');
  await button(page, 'Resume').click();
  await button(page, 'Pause').waitFor();
  await button(page, 'Cancel replay').click();
  await inDialog(page, 'Cancel replay').click();
  await page.getByText('Cancelled', { exact: true }).waitFor();
  await button(page, 'Cancel replay').waitFor({ state: 'detached' });
  await link(page, 'Replays').first().click();
  await page.getByRole('row', { name: /Cancelled/ }).waitFor();
  await look(page, 'replays');
});

it('shows a new key once, and revokes it', async () => {
  const page = await open(keys.owner, 'API keys');
  await page.getByText('This session').waitFor();
  await button(page, 'Create key').click();
  await inDialog(page, 'Create key').click();
  await page.getByText('Give it a name.').waitFor();
  await page.getByRole('dialog').getByLabel('Name').fill(HOSTILE);
  await page.getByLabel('Expires').selectOption('30');
  await look(page, 'key-new');
  await inDialog(page, 'Create key').click();
  await page.getByText('Copy the key now').waitFor();
  const key = (await page.getByRole('region', { name: 'API key' }).textContent())!;
  expect(key).toMatch(/^phk_/);
  await inDialog(page, 'Copy API key').click();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key);
  await inDialog(page, 'I have stored it').click();
  expect(await page.content()).not.toContain(key);
  await look(page, 'keys');
  const revoke = page.getByRole('button', { name: /^Revoke .*<img/ });
  await revoke.click();
  await page.getByText('refused with 401').waitFor();
  await look(page, 'key-revoke');
  await inDialog(page, 'Revoke key').click();
  await revoke.waitFor({ state: 'detached' });
});

it('lists who did what, by action and target', async () => {
  const page = await open(keys.owner, 'Audit log');
  await page.getByRole('row', { name: /Payload deleted/ }).waitFor();
  await look(page, 'audit');
  await page.getByLabel('Action').selectOption({ label: 'Webhook created' });
  await page.getByRole('row', { name: /Webhook created/ }).waitFor();
  await page.getByRole('row', { name: /Payload deleted/ }).waitFor({ state: 'detached' });
  await page.getByLabel('Id of what was changed').fill(webhookId);
  await page.keyboard.press('Enter');
  await page.waitForURL(/target=wh_/);
  await page.getByRole('row', { name: /Webhook created/ }).waitFor();
  await page.reload();
  await page.getByRole('row', { name: /Webhook created/ }).waitFor();
});

it('changes the project’s settings for the admin, and says to others whose they are', async () => {
  const page = await open(keys.owner, 'Project settings');
  await page.getByText('Only the admin changes these settings').waitFor();
  expect(await button(page, 'Save changes').count()).toBe(0);
  await page.getByLabel('What it may do').selectOption('manage');
  await button(page, 'Create a link').click();
  const opened = page.context().waitForEvent('page');
  await link(page, 'Open the portal').click();
  await title(await opened, 'Overview').waitFor();
  await look(page, 'settings-owner');
  await button(page, 'Revoke all links').click();
  await inDialog(page, 'Revoke all links').click();
  await page.getByText('All portal links were revoked').waitFor();
  expect(await link(page, 'Open the portal').count()).toBe(0);
  const admin = await visit(`${stack.url}/dashboard/`);
  await signIn(admin, ADMIN_KEY);
  await admin.getByLabel('Project').selectOption(projectId);
  await link(admin, 'Project settings').click();
  await admin.getByLabel('Timeout in seconds').fill('0.5');
  await admin.getByLabel('Retry after').fill('1m, 2m');
  await admin.getByLabel('Deliveries per second').fill('none');
  await admin.getByLabel('Origins').fill('https://app.example.com/path');
  await button(admin, 'Save changes').click();
  await admin.getByText('From 1 to 60 seconds.').waitFor();
  await admin.getByLabel('Timeout in seconds').fill('20');
  await button(admin, 'Save changes').click();
  await admin.getByText(/must be an exact origin/i).waitFor();
  await look(admin, 'settings');
  await admin.getByLabel('Origins').fill('https://app.example.com');
  await button(admin, 'Save changes').click();
  await admin.getByText('The settings were saved').waitFor();
  const { body } = await stack.admin.get(`/v1/projects/${projectId}`);
  expect(body.data).toMatchObject({
    policy: { timeoutMs: 20_000, retryDelaysMs: [60_000, 120_000], ratePerSecond: null },
    portalOrigins: ['https://app.example.com'],
  });
});

it('offers a reader nothing that would be refused', async () => {
  const page = await open(keys.reader, 'Events');
  await page.getByRole('row', { name: /Payload deleted/ }).waitFor();
  expect(await button(page, 'Send event').count()).toBe(0);
  await page.getByLabel('Search events').fill('data.orderId = ord_1');
  await page.keyboard.press('Enter');
  await page.getByText('Looked at all events since').waitFor();
  const found = page.getByRole('row', { name: /order\.paid/ });
  expect(await found.count()).toBe(3);
  await look(page, 'events-found');
  await found.first().press('Enter');
  await title(page, 'order.paid').waitFor();
  expect(await button(page, 'Delete payload').count()).toBe(0);
  await link(page, 'Event types').click();
  await link(page, 'order.paid').click();
  await page.getByRole('region', { name: 'Schema' }).waitFor();
  expect(await button(page, 'Delete').count()).toBe(0);
  expect(await link(page, 'Edit').count()).toBe(0);
  await link(page, 'Replays').click();
  await page.getByRole('row', { name: /Cancelled/ }).waitFor();
  expect(await link(page, 'New replay').count()).toBe(0);
  await link(page, 'API keys').click();
  await page.getByText('Only owners see keys').waitFor();
  expect(await button(page, 'Create key').count()).toBe(0);
  await look(page, 'keys-reader');
  await link(page, 'Audit log').click();
  await page
    .getByRole('row', { name: /Key created/ })
    .first()
    .waitFor();
});

describe('hostile names of a project, a webhook and a key, and a hostile description', () => {
  /** Texts in which a mark turns the direction of what is around them. */
  const TURNING = `(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode;
      const isApart = parentElement.closest('bdi, option, textarea') !== null;
      const isEnclosed = /\u2068[^\u2069]*\u202E[^\u2069]*\u2069/.test(data);
      if (data.includes('\u202E') && !isApart && !isEnclosed) found.push(data);
    }
    return found;
  })()`;

  /** What the page takes for more than text, with where that is. */
  async function alive(page: Page, where: string): Promise<string[]> {
    const turning = await page.evaluate<string[]>(TURNING);
    const images = await page.locator('img[src="x"]').count();
    const isOwned = (await page.title()) === 'owned';
    return [...turning, ...(images > 0 || isOwned ? ['<img>'] : [])].map((what) => where + what);
  }

  it('are text on every page, and turn nothing around them', async () => {
    const owner = stack.admin.with({ 'x-project-id': projectId });
    await owner.post(`/v1/projects/${projectId}/keys`, { name: HOSTILE, role: 'reader' });
    const { deliveries } = (await owner.get('/v1/deliveries')).body.data;
    const { id, eventId } = deliveries[0];
    const { replays } = (await owner.get('/v1/replays')).body.data;
    const admin = await visit(`${stack.url}/dashboard/`);
    await signIn(admin, ADMIN_KEY);
    const found = await alive(admin, 'all projects: ');
    const page = await visit(`${stack.url}/dashboard/`);
    await signIn(page, keys.owner);
    const shown = page.getByText('gnp.exe').filter({ visible: true }).first();
    for (const to of [
      '/webhooks',
      `/webhooks/${webhookId}`,
      `/webhooks/${webhookId}/edit`,
      '/deliveries',
      `/deliveries/${id}`,
      `/events/${eventId}`,
      '/event-types',
      '/event-types/order.paid',
      '/replays',
      `/replays/${replays[0].id}`,
      '/keys',
      '/audit',
      '/settings',
      '/',
    ]) {
      await page.goto(`${stack.url}/dashboard/#${to}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('[class*="skeleton"]').first().waitFor({ state: 'detached' });
      found.push(...(await alive(page, `${to}: `)));
    }
    await page.goto(`${stack.url}/dashboard/#/webhooks/${webhookId}`);
    for (const item of [
      'Send test event',
      'Reveal secret',
      'Rotate secret',
      'Pause',
      'Disable',
      'Delete',
    ]) {
      await page.getByRole('button', { name: /^More actions for/ }).click();
      await page.getByRole('menuitem', { name: item, exact: true }).click();
      await page.getByRole('dialog').waitFor();
      await shown.waitFor();
      found.push(...(await alive(page, `${item}: `)));
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    expect(found).toEqual([]);
  });
});
