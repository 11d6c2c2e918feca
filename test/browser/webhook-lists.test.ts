import type { Route } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { expectAccessible, focused } from '../support/chromium';
import { answerTooSlow, button, inDialog, link, title, useDashboard } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually, soon } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';

const { receiver, stack, visit, open } = useDashboard();

/** Longer than the list waits between two looks. */
const PAUSE_MS = 15_000;

/** A new project with webhooks of these names, and their page as its owner sees it. */
async function arrive(...names: string[]) {
  const { id: projectId, client } = await stack.project();
  for (const name of names) await makeWebhook(client, receiver.url, { name });
  const page = await open(client.key, 'Webhooks');
  return { page, client, projectId };
}

it('finds webhooks by name and state, and shows a reader no actions', async () => {
  const { page, client } = await arrive();
  const body = { url: receiver.url, events: ['*'] };
  const { body: first } = await client.post('/v1/webhooks', { ...body, name: 'First' });
  await client.post('/v1/webhooks', { ...body, name: '<script>alert(1)</script>\u202Egnp' });
  await client.post(`/v1/webhooks/${first.data.id}/pause`);
  await client.post('/v1/webhooks', { ...body, name: 'متجر' });
  await page.reload();
  await page.getByRole('article').nth(2).waitFor();
  await expectAccessible(page);
  // A mark in a name turns nothing that follows it, and neither do letters that are written to the left.
  for (const [name, question] of [
    [/script/, 'Pause <script>alert(1)</script>gnp?'],
    [/متجر/, 'Pause \u2068متجر\u2069?'],
  ] as const) {
    await page.getByRole('article', { name }).getByRole('button', { name: /^More/ }).click();
    await page.getByRole('menuitem', { name: 'Pause' }).click();
    const dialog = page.getByRole('dialog');
    await soon(async () => expect(await dialog.getByRole('heading').textContent()).toBe(question));
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }
  await page.getByLabel('State').selectOption({ label: 'Paused' });
  await page.getByRole('article').nth(1).waitFor({ state: 'detached' });
  await page.getByRole('article', { name: 'First' }).waitFor();
  expect(page.url()).toContain('state=paused');
  await page.keyboard.press('/');
  await page.keyboard.insertText('nothing like it');
  await page.getByText('No webhook matches').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByRole('heading', { name: '<script>alert(1)</script>' }).waitFor();

  const { data } = await stack.admin.typed.createKey({
    path: { projectId: first.data.projectId },
    body: { name: 'reader', role: 'reader' },
  });
  const reader = await visit(data!.data.key, `/webhooks/${first.data.id}`);
  await title(reader, 'First').waitFor();
  expect(await reader.getByRole('link', { name: 'Edit' }).count()).toBe(0);
  await reader.getByRole('button', { name: 'More actions for First' }).click();
  await soon(async () =>
    expect(await reader.getByRole('menuitem').allTextContents()).toEqual(['See deliveries']),
  );
});

it('says that there is no webhook only when that is answered', async () => {
  const { page } = await arrive('Orders');
  await page.goto(`${stack.url}/dashboard/#/webhooks?state=disabled`);
  // Nothing of before is known any more.
  await page.reload();
  await page.getByText('No webhook matches').waitFor();
  const held: Route[] = [];
  await page.route(/\/v1\/webhooks\?(?!.*state=)/, (route) => void held.push(route));
  await button(page, 'Clear filters').click();
  await eventually('all are asked for', () => held[0]);
  await page.locator('main').getByRole('status', { name: 'Loading' }).waitFor();
  expect(await page.getByText('No webhooks yet').count()).toBe(0);
  await page.getByLabel('Search by name, URL or id').waitFor();
  for (const route of held) await route.continue();
  await page.unroute(/\/v1\/webhooks\?(?!.*state=)/);
  await page.getByRole('article', { name: 'Orders' }).waitFor();

  // Nor does the search go away with what is being typed.
  await page.goto(`${stack.url}/dashboard/#/webhooks?q=shop`);
  await page.reload();
  await page.getByText('No webhook matches').waitFor();
  await page.route(/\/v1\/webhooks\?/, (route) => route.abort());
  await page.getByLabel('Search by name, URL or id').fill('');
  await page.locator('main').getByText('Posthorn does not answer').waitFor();
  await focused(page.getByLabel('Search by name, URL or id')).waitFor();
});

it('finishes what was begun with a webhook that leaves the list meanwhile', async () => {
  const { page, client } = await arrive();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  await client.patch(`/v1/webhooks/${id}`, { isActive: false });
  const eventId = await postEvent(client);
  await deliveryWith(client, eventId, { status: 'skipped' });
  const shop = await makeWebhook(client, receiver.url, { name: 'Shop' });
  await client.patch(`/v1/webhooks/${shop.id}`, { isActive: false });
  await page.clock.install();
  const hasLeft = (): Promise<true> =>
    eventually('it leaves the list', async () => {
      await page.clock.fastForward(PAUSE_MS);
      // Also behind a dialog, which hides its role.
      return (await page.locator('article[aria-label="Orders"]').count()) === 0;
    });
  const choose = async (action: string, name = 'Orders'): Promise<void> => {
    await button(page, `More actions for ${name}`).click();
    await page.getByRole('menuitem', { name: action }).click();
  };

  await page.goto(`${stack.url}/dashboard/#/webhooks?state=disabled`);
  const slow: Route[] = [];
  await page.route('**/v1/webhooks/*', (route) =>
    route.request().method() === 'PATCH' ? void slow.push(route) : route.continue(),
  );
  await choose('Enable');
  await inDialog(page, 'Enable').click();
  const enabling = await eventually('it is being enabled', () => slow[0]);
  await page.keyboard.press('Escape');
  await choose('Rotate secret', 'Shop');
  await enabling.continue();
  await hasLeft();
  await inDialog(page, 'Cancel').click();
  await page.getByText('One delivery to Orders was skipped').first().waitFor();
  await page.route('**/v1/replays', answerTooSlow, { times: 1 });
  await button(page, 'Replay them now').click();
  await page.getByText('The database took too long').first().waitFor();
  await button(page, 'Replay them now').click();
  await deliveryWith(client, eventId, { status: 'succeeded' });

  await page.goto(`${stack.url}/dashboard/#/webhooks?state=healthy`);
  await choose('Rotate secret');
  await client.post(`/v1/webhooks/${id}/pause`);
  await hasLeft();
  await inDialog(page, 'Rotate secret').click();
  await page.getByText('The new secret.').waitFor();
});

it('leads from a dialog whose button has left the list to the heading, not to what opened one before', async () => {
  const { page, client } = await arrive('Shop');
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  await page.clock.install();
  await page.reload();
  const menu = (name: string) => button(page, `More actions for ${name}`);
  const ask = async (name: string): Promise<void> => {
    await menu(name).click();
    await page.getByRole('menuitem', { name: 'Pause' }).click();
    await page.getByRole('dialog', { name: `Pause ${name}?` }).waitFor();
  };
  await ask('Shop');
  await page.keyboard.press('Escape');
  await focused(menu('Shop')).waitFor();
  await ask('Orders');
  await client.delete(`/v1/webhooks/${id}`);
  await eventually('it leaves the list', async () => {
    await page.clock.fastForward(PAUSE_MS);
    // The dialog hides its role.
    return (await page.locator('article[aria-label="Orders"]').count()) === 0;
  });
  await page.keyboard.press('Escape');
  await focused(page.getByRole('heading', { level: 1, name: 'Webhooks' })).waitFor();
});

const having = (client: ApiClient, status: string, count: number): Promise<true> =>
  eventually(`${count} are ${status}`, async () => {
    const { body } = await client.get(`/v1/deliveries?status=${status}`);
    return body.data.deliveries.length === count;
  });

it('offers to replay what was skipped wherever one has gone meanwhile, until one signs out', async () => {
  const { id: projectId, client } = await stack.project();
  const { id: other } = await stack.project();
  const names = ['Orders', 'Shop'];
  for (const name of names) {
    const { id } = await makeWebhook(client, receiver.url, { name });
    await client.patch(`/v1/webhooks/${id}`, { isActive: false });
  }
  await postEvent(client);
  await having(client, 'skipped', names.length);
  const page = await visit(ADMIN_KEY);
  await page.getByLabel('Project').selectOption(projectId);
  await title(page, 'Overview').waitFor();
  await link(page, 'Webhooks').click();
  const enabling: Route[] = [];
  await page.route('**/v1/webhooks/*', (route) =>
    route.request().method() === 'PATCH' ? void enabling.push(route) : route.continue(),
  );
  for (const [index, name] of names.entries()) {
    await button(page, `More actions for ${name}`).click();
    await page.getByRole('menuitem', { name: 'Enable' }).click();
    await inDialog(page, 'Enable').click();
    await eventually('it is being enabled', () => enabling[index]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await page.getByLabel('Project').selectOption(other);
  await title(page, 'Overview').waitFor();
  for (const route of enabling) await route.continue();
  const offer = (name: string) =>
    page.getByRole('group').filter({ hasText: `One delivery to ${name} was skipped` });
  for (const name of names) await offer(name).waitFor();
  await expectAccessible(page);
  const openAudit = async (): Promise<void> => {
    await page.getByLabel('Project').selectOption(projectId);
    await title(page, 'Overview').waitFor();
    await link(page, 'Audit log').click();
    await page
      .getByRole('row', { name: /Webhook changed/ })
      .first()
      .waitFor();
  };
  await openAudit();
  await page.getByLabel('Project').selectOption(other);
  await title(page, 'Overview').waitFor();
  await offer('Orders').getByRole('button', { name: 'Replay them now' }).click();
  await offer('Orders').waitFor({ state: 'detached' });
  await having(client, 'succeeded', 1);
  // Back at once, where nothing would count as old yet.
  await openAudit();
  await page.getByRole('row', { name: /Replay started/ }).waitFor();
  await offer('Shop').waitFor();
  await button(page, 'Admin key').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  await offer('Shop').waitFor({ state: 'detached' });
});

it('shows no more offers than can be taken, and the others as these go', async () => {
  const { client } = await stack.project();
  const names = ['First', 'Second', 'Third', 'Fourth', 'Fifth'];
  const ids = await Promise.all(
    names.map(async (name) => (await makeWebhook(client, receiver.url, { name })).id),
  );
  for (const id of ids) await client.patch(`/v1/webhooks/${id}`, { isActive: false });
  await postEvent(client);
  await having(client, 'skipped', names.length);
  const page = await open(client.key, 'Webhooks');
  const offers = page.getByRole('group').filter({ hasText: 'was skipped while' });
  for (const [index, name] of names.entries()) {
    // Not its menu in the list, which toasts may cover.
    await page.goto(`${stack.url}/dashboard/#/webhooks/${ids[index]}`);
    await title(page, name).waitFor();
    await button(page, `More actions for ${name}`).click();
    await page.getByRole('menuitem', { name: 'Enable' }).click();
    await inDialog(page, 'Enable').click();
    await offers.filter({ hasText: `to ${name} was` }).waitFor();
  }
  // They would stay for as long as it is on one of them.
  await page.mouse.move(0, 0);
  const seen = page.getByText('Replay them now').filter({ visible: true });
  await soon(async () => expect(await seen.count()).toBe(4));
  await offers.filter({ hasText: 'to Fifth was' }).getByRole('button', { name: 'Close' }).click();
  const oldest = offers.filter({ hasText: 'to First was' });
  await oldest.getByRole('button', { name: 'Replay them now' }).click();
  await having(client, 'succeeded', 1);
});

it('keeps what is shown once, whatever ends that was begun with another webhook', async () => {
  const { page } = await arrive('Orders', 'Shop');
  const choose = async (name: string, action: string): Promise<void> => {
    await page.getByRole('button', { name: `More actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: action }).click();
  };
  const slow: Route[] = [];
  await page.route('**/v1/webhooks/*', (route) =>
    route.request().method() === 'PATCH' ? void slow.push(route) : route.continue(),
  );
  await choose('Orders', 'Disable');
  await inDialog(page, 'Disable').click();
  await eventually('it is being disabled', () => slow[0]);
  await page.keyboard.press('Escape');
  await choose('Shop', 'Rotate secret');
  await inDialog(page, 'Rotate secret').click();
  const secret = page.getByRole('dialog').getByRole('region', { name: 'Secret' });
  await secret.waitFor();
  await slow[0]!.continue();
  await page.getByText('This webhook was disabled manually.').waitFor();
  await expectAccessible(page);
  await inDialog(page, 'Close').click();
  await secret.waitFor({ state: 'detached' });
});

it('finds and orders any number of webhooks, which come as the page is scrolled', async () => {
  const { page, client, projectId } = await arrive();
  await stack.admin.patch(`/v1/projects/${projectId}`, { policy: { maxWebhooks: 200 } });
  const names = Array.from({ length: 101 }, (_none, n) => `Shop ${n + 1}`);
  await Promise.all(
    names.map((name) => client.post('/v1/webhooks', { name, url: receiver.url, events: ['*'] })),
  );
  await page.goto(`${stack.url}/dashboard/#/webhooks?sort=name`);
  await page.reload();
  const cards = page.getByRole('article');
  await cards.first().waitFor();
  await soon(async () => expect(await cards.count()).toBe(50));
  await soon(async () => expect(await cards.first().getAttribute('aria-label')).toBe('Shop 1'));
  await eventually('all are there', async () => {
    await page.keyboard.press('End');
    return (await cards.count()) === 101;
  });
  await page.getByText('All 101 webhooks').waitFor();
  await soon(async () => expect(await cards.last().getAttribute('aria-label')).toBe('Shop 101'));
  const search = page.getByLabel('Search by name, URL or id');
  /** Searches, and looks for what is said before that is answered. */
  const find = async (q: string, said: RegExp): Promise<void> => {
    const asked: Route[] = [];
    const isAsked = (url: URL): boolean => url.searchParams.get('q') === q;
    await page.route(isAsked, (route) => void asked.push(route), { times: 1 });
    await search.fill(q);
    const route = await eventually('it is asked for', () => asked[0]);
    await soon(async () => expect(await page.getByText(said).count()).toBe(0));
    await route.continue();
  };
  await find('shop 10', /^All \d+ webhooks/);
  await page.getByText('All 3 webhooks').waitFor();
  expect(page.url()).toContain('q=shop+10');
  await page.getByLabel('Order').selectOption({ label: 'Oldest first' });
  await page.waitForURL(/sort=oldest/);
  await expectAccessible(page);
  await search.fill('');
  await page.getByText('All 3 webhooks').waitFor({ state: 'detached' });

  // Where one of them is chosen, it is searched for too, and shown by its name on any page.
  await page.goto(`${stack.url}/dashboard/#/deliveries`);
  await page.getByText('The first 100 are listed.').waitFor();
  await find('SHOP 99', /\d+ found|are listed/);
  await page.getByText('1 found.').waitFor();
  const webhook = page.getByLabel('Webhook', { exact: true });
  await webhook.selectOption({ label: 'Shop 99' });
  await page.waitForURL(/webhookId=wh_/);
  await page.reload();
  await page.getByText('The first 100 are listed.').waitFor();
  await webhook.locator('option:checked', { hasText: 'Shop 99' }).waitFor({ state: 'attached' });
  await expectAccessible(page);
});
