import type { Page, Route } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { expectAccessible, focused, NARROW, useChromium } from '../support/chromium';
import { button, link, look, title, WATCH_MS } from '../support/dashboard';
import { makeWebhook, postEvent } from '../support/deliveries';
import { soon } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';
import { useReceiver, useStack } from '../support/use';

jest.setTimeout(400_000);

const stack = useStack();
const receiver = useReceiver();
const { visit } = useChromium();

const NONE = '0'.repeat(32);
const RANGE = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };

interface Scene {
  projectId: string;
  client: ApiClient;
  ids: { webhook: string; delivery: string; event: string; replay: string };
}

/** A project with one of everything. */
async function makeScene(name: string): Promise<Scene> {
  const { id: projectId, client } = await stack.project({ name });
  const { id: webhook } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const delivery = await postEvent(client);
  const { eventId: event } = (await client.get(`/v1/deliveries/${delivery}`)).body.data;
  const body = { ...RANGE, statuses: ['succeeded'], ratePerSecond: 0.1 };
  const replay = (await client.post('/v1/replays', body)).body.data.id;
  await client.post(`/v1/replays/${replay}/cancel`);
  return { projectId, client, ids: { webhook, delivery, event, replay } };
}

let beta: Scene;
let acme: Scene;
beforeAll(async () => {
  beta = await makeScene('Beta');
  // The latest is the one that is opened first.
  acme = await makeScene('Acme');
});

/** What shows one object: its address, what it is, where the API has it, and its title once it is there. */
const PAGES = [
  ['/webhooks/…', 'webhook', 'Webhook', 'webhooks', 'Orders'],
  ['/webhooks/…/edit', 'webhook', 'Webhook', 'webhooks', 'Edit Orders'],
  ['/deliveries/…', 'delivery', 'Delivery', 'deliveries', 'email.sent'],
  ['/events/…', 'event', 'Event', 'events', 'email.sent'],
  ['/replays/…', 'replay', 'Replay', 'replays', 'Replay'],
] as const;

/** The overview, as whoever has that key sees it. */
async function arrive(key: string): Promise<Page> {
  const page = await visit(`${stack.url}/dashboard/`, { key });
  await title(page, 'Overview').waitFor();
  return page;
}

const goTo = (page: Page, path: string): Promise<void> =>
  page.evaluate(`location.hash = ${JSON.stringify(path)}`);

/** The page's one title, which is the window's too. */
async function expectTitle(page: Page, name: string): Promise<void> {
  await title(page, name).waitFor();
  await soon(async () => expect(await page.locator('h1').allTextContents()).toHaveLength(1));
  await soon(async () => expect(await page.title()).toBe(`${name} · Posthorn`));
}

const expectFocused = (page: Page, name: string): Promise<void> =>
  focused(page.getByRole('heading', { level: 1, name })).waitFor();

const openProject = async (page: Page, id: string): Promise<void> => {
  await page.getByLabel('Project', { exact: true }).selectOption(id);
  await title(page, 'Overview').waitFor();
};

const REFUSED = { code: 'forbidden', message: 'you may not see this', requestId: 'req_1' };

const pathOf = (path: string, id: string): string => path.replace('…', id);

it.each(PAGES)(
  'the page %s has its title while it loads, and its heading keeps the focus when it is there',
  async (path, what, kind, resource, name) => {
    const id = acme.ids[what];
    const page = await arrive(acme.client.key);
    let answer!: () => void;
    const isAsked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const hold = async (route: Route): Promise<void> => {
      await isAsked;
      await route.continue();
    };
    await page.route(`**/v1/${resource}/${id}`, hold);
    await goTo(page, pathOf(path, id));
    await expectTitle(page, kind);
    await expectFocused(page, kind);
    await expectAccessible(page);
    answer();
    await expectTitle(page, name);
    // Several parts of a page may load.
    const loading = page.getByRole('status', { name: 'Loading…' });
    await soon(async () => expect(await loading.count()).toBe(0));
    await expectFocused(page, name);
  },
);

it('says what was not found, which it asks for once, and names itself where it can not be loaded', async () => {
  const page = await arrive(acme.client.key);
  await page.clock.install();
  for (const [index, [path, what, kind, resource]] of PAGES.entries()) {
    const id = acme.ids[what].replace(/_.*/, `_${String(index).repeat(32)}`);
    let asked = 0;
    await page.route(`**/v1/${resource}/${id}`, (route) => {
      asked += 1;
      return route.continue();
    });
    await goTo(page, pathOf(path, id));
    await expectTitle(page, `${kind} not found`);
    await expectFocused(page, `${kind} not found`);
    await page.getByText('Nothing has this id here').waitFor();
    await expectAccessible(page);
    // Longer than anything is watched, or waited for before it is asked for again.
    await page.clock.runFor(60_000);
    expect([path, asked]).toEqual([path, 1]);

    await page.route(`**/v1/${resource}/${acme.ids[what]}`, (route) =>
      route.fulfill({ status: 403, json: { success: false, error: REFUSED } }),
    );
    await goTo(page, pathOf(path, acme.ids[what]));
    await page.getByText('You may not see this').waitFor();
    await expectTitle(page, kind);
    await expectAccessible(page);
  }
});

it('says to the admin in which project it is, and opens that', async () => {
  const page = await arrive(ADMIN_KEY);
  for (const [path, what, kind, , name] of PAGES) {
    await openProject(page, acme.projectId);
    await goTo(page, pathOf(path, beta.ids[what]));
    await page.getByText('It is in the project Beta').waitFor();
    await expectTitle(page, `${kind} not found`);
    if (path === '/webhooks/…') await look(page, 'elsewhere');
    else await expectAccessible(page);
    await button(page, 'Open Beta').press('Enter');
    await expectTitle(page, name);
    await expectFocused(page, name);
    expect(await page.getByLabel('Project', { exact: true }).inputValue()).toBe(beta.projectId);
  }
});

it('says to the admin which project was searched, if what is looked for is in none', async () => {
  const page = await arrive(ADMIN_KEY);
  await openProject(page, acme.projectId);
  await goTo(page, `/webhooks/wh_${NONE}`);
  await page.getByText('No project has it').waitFor();
  await goTo(page, '/webhooks/misspelt');
  await expectTitle(page, 'Webhook not found');
  await page.getByText('It was not found in the project Acme').waitFor();
  expect(await page.getByRole('button', { name: /^Open/ }).count()).toBe(0);
});

it('finds for the admin what another project has, and opens that project', async () => {
  const page = await arrive(ADMIN_KEY);
  await openProject(page, acme.projectId);
  await page.getByRole('searchbox', { name: 'Find anything' }).fill(beta.ids.delivery);
  await page.keyboard.press('Enter');
  await page.getByText('It is in the project Beta').waitFor();
  await button(page, 'Open Beta').click();
  await page.getByRole('row', { name: /email\.sent to Orders/ }).waitFor();
});

it('moves the focus to the heading when what had it is deleted by somebody else', async () => {
  const { client } = await stack.project();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await arrive(client.key);
  await page.clock.install();
  await goTo(page, `/webhooks/${id}`);
  await link(page, 'Edit').focus();
  await client.delete(`/v1/webhooks/${id}`);
  await page.clock.fastForward(WATCH_MS);
  await expectTitle(page, 'Webhook not found');
  await expectFocused(page, 'Webhook not found');
});

it('moves the focus to the new heading when a webhook was created', async () => {
  const { client } = await stack.project();
  const page = await arrive(client.key);
  await goTo(page, '/webhooks/new');
  await page.getByLabel('Name', { exact: true }).fill('Orders');
  await page.getByLabel('URL', { exact: true }).fill(receiver.url);
  await button(page, 'Create webhook').click();
  await expectTitle(page, 'Orders is ready');
  await expectFocused(page, 'Orders is ready');
});

it('names a missing event type, page, and project', async () => {
  const { client } = await stack.project({ profile: 'custom' });
  const page = await arrive(client.key);
  await goTo(page, '/event-types/order.paid');
  await expectTitle(page, 'Event type not found');
  await goTo(page, '/event-types/order.paid/edit');
  await expectTitle(page, 'Event type not found');
  await expectAccessible(page);
  await goTo(page, '/nowhere');
  await expectTitle(page, 'There is no such page');
  await expectFocused(page, 'There is no such page');
  await expectAccessible(page);
  await page.setViewportSize(NARROW);
  await expectAccessible(page);
});
