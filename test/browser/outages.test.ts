import { existsSync, readdirSync } from 'node:fs';
import type { Locator, Route } from 'playwright-core';
import { expectAccessible, focused, signIn, useChromium } from '../support/chromium';
import { answerTooSlow, button, inDialog, title, WATCH_MS } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually, soon } from '../support/eventually';
import { ADMIN_KEY, Stack, testEnvironment } from '../support/stack';
import { useReceiver, useStack } from '../support/use';
import { insertDelivery, insertUnplanned } from '../integration/api/insert';
import { TcpProxy } from '../integration/api/tcp-proxy';

const stack = useStack();
const receiver = useReceiver();
const { visit } = useChromium();

/** Each page is a file of its own, with the name of its folder. */
const PAGES = readdirSync('dashboard/src/pages').filter((name) =>
  existsSync(`dashboard/src/pages/${name}/page.tsx`),
);
/** Requests wait for an unavailable database before they are refused. */
const OUTAGE = { timeout: 60_000 };
/** Longer than a stream is silent while somebody is there. */
const SILENCE_MS = 15_000;

it('says that the network is gone, keeps what it shows, does nothing later, and recovers by itself', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await visit(`${stack.url}/dashboard/#/webhooks`, { key: client.key });
  await page.getByRole('article', { name: 'Orders' }).waitFor();
  // Pages that nobody has visited are there too.
  await page.waitForFunction((pages) => {
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
    return pages.every((one) => loaded.some((name) => name.includes(`/assets/${one}-`)));
  }, PAGES);
  await page.context().setOffline(true);
  await page.getByRole('button', { name: 'More actions for Orders' }).click();
  await page.getByRole('menuitem', { name: 'Pause' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Check your connection.').first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  await title(page, 'Events').waitFor();
  await page.locator('main').getByText('Posthorn does not answer').waitFor();
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await page.getByRole('article', { name: 'Orders' }).waitFor();
  // What other filters found is no answer to these.
  const search = page.getByLabel('Search by name, URL or id');
  await search.fill('Invoices');
  await page.locator('main').getByText('Posthorn does not answer').first().waitFor();
  await soon(async () =>
    expect(await page.getByRole('article', { name: 'Orders' }).count()).toBe(0),
  );
  await search.fill('');
  await page.getByRole('article', { name: 'Orders' }).waitFor();
  const trouble = page.getByRole('status').filter({ hasText: 'may be out of date' });
  await trouble.waitFor(OUTAGE);
  await expectAccessible(page);
  await page.context().setOffline(false);
  await trouble.getByText('may be out of date').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  await page.getByText('No events yet').waitFor();
  const { webhooks } = (await client.get('/v1/webhooks')).body.data;
  expect(webhooks).toMatchObject([{ isPaused: false }]);
});

it('says that somebody is still signed in when the session could not be ended', async () => {
  const { client } = await stack.project();
  const page = await visit(`${stack.url}/dashboard/`);
  await signIn(page, client.key);
  const signOut = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Owner key' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
  };
  await page.context().setOffline(true);
  await signOut();
  await page.getByText('You are still signed in').first().waitFor();
  await title(page, 'Overview').waitFor();
  await page.context().setOffline(false);
  await signOut();
  await page.getByLabel('API key').waitFor();
  await page.reload();
  await page.getByLabel('API key').waitFor();
});

it('asks once for what takes too long, however often it watches the rest', async () => {
  const { client } = await stack.project();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await visit(`${stack.url}/dashboard/#/webhooks`, { key: client.key });
  const slow: Route[] = [];
  await page.route(/\/v1\/deliveries\?/, (route) => {
    slow.push(route);
    return slow.length === 1 ? answerTooSlow(route) : undefined;
  });
  let asked = 0;
  await page.route(`**/v1/webhooks/${id}`, (route) => {
    asked += 1;
    return route.continue();
  });
  await page.clock.install();
  await page.goto(`${stack.url}/dashboard/#/webhooks/${id}`);
  const again = button(page, 'Try again');
  await again.waitFor();
  await eventually('the webhook is watched', async () => {
    await page.clock.fastForward(WATCH_MS);
    return asked > 3;
  });
  expect(slow).toHaveLength(1);
  await again.press('Enter');
  const second = await eventually('it is asked for again', () => slow[1]);
  await focused(button(page, 'Loading…')).waitFor();
  await answerTooSlow(second);
  await focused(again).waitFor();
});

it('leaves the focus where another try was asked for, whatever comes then', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url, { name: 'Orders' });
  await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
  const page = await visit(`${stack.url}/dashboard/`, { key: client.key });
  await title(page, 'Overview').waitFor();
  const tryAgain = async (name: string, path: RegExp): Promise<void> => {
    await page.route(path, answerTooSlow);
    await page.getByRole('link', { name, exact: true }).click();
    await title(page, name).waitFor();
    const again = button(page, 'Try again');
    await again.focus();
    if (name === 'Events') await page.route(path, (route) => route.abort());
    await page.unroute(path, answerTooSlow);
    await again.press('Enter');
  };
  const inFocus = page.locator('main :focus');
  await tryAgain('Deliveries', /\/v1\/deliveries\?/);
  await focused(page.getByRole('grid', { name: 'Deliveries' })).waitFor();
  await page.keyboard.press('j');
  await focused(page.locator('[data-index="0"]')).waitFor();
  await tryAgain('Webhooks', /\/v1\/webhooks\?(?!.*sort=)/);
  await inFocus.getByRole('article', { name: 'Orders' }).waitFor();
  // Asked again automatically, and so without a button.
  await tryAgain('Events', /\/v1\/events\?/);
  await inFocus.getByText('Posthorn does not answer').waitFor();
});

it('leaves the focus where another try was asked for before there is a project to show, too', async () => {
  await stack.project();
  const page = await visit(`${stack.url}/dashboard/`, { key: ADMIN_KEY });
  await title(page, 'Overview').waitFor();
  const projects = /\/v1\/projects(\?|\/)/;
  await page.route(projects, answerTooSlow);
  await page.reload();
  const again = button(page, 'Try again');
  await again.focus();
  await page.route(projects, (route) => route.abort());
  await again.press('Enter');
  // Asked again automatically, and so without a button.
  await page.locator('main :focus').getByText('Posthorn does not answer').waitFor();
});

it('goes on saying what the server could not do, until somebody tries again', async () => {
  const { client } = await stack.project();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await visit(`${stack.url}/dashboard/`, { key: client.key });
  await page.clock.install();
  let asked = 0;
  await page.route(`**/v1/webhooks/${id}`, (route) => {
    asked += 1;
    const error = { code: 'internal_error', message: 'failed', requestId: 'req_1' };
    return route.fulfill({ status: 500, json: { success: false, error } });
  });
  await page.goto(`${stack.url}/dashboard/#/webhooks/${id}`);
  await page.getByText('Posthorn could not do this').waitFor();
  expect(asked).toBe(3);
  await page.clock.runFor(60_000);
  expect(await page.getByText('Posthorn could not do this').count()).toBe(1);
  expect(asked).toBe(3);
  await page.unroute(`**/v1/webhooks/${id}`);
  const held: Route[] = [];
  await page.route(`**/v1/webhooks/${id}`, (route) => void held.push(route), { times: 1 });
  await button(page, 'Try again').press('Enter');
  const again = await eventually('it is asked for again', () => held[0]);
  await focused(button(page, 'Loading…')).waitFor();
  await again.continue();
  await focused(page.getByRole('heading', { level: 1, name: 'Orders' })).waitFor();
});

it('shows what is shown only once, whatever else can not be loaded then', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await visit(`${stack.url}/dashboard/#/keys`, { key: client.key });
  const cut = (): Promise<unknown> =>
    page.route('**/v1/**', (route) =>
      route.request().method() === 'GET' ? route.abort() : route.continue(),
    );
  await page.getByText('This session').waitFor();
  await page.getByRole('button', { name: 'Create key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Shop');
  await cut();
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await dialog.getByRole('region', { name: 'API key' }).waitFor();
  await dialog.getByRole('button', { name: 'I have stored it' }).click();
  await page.unroute('**/v1/**');
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await page.getByRole('button', { name: 'More actions for Orders' }).click();
  await page.getByRole('menuitem', { name: 'Rotate secret' }).click();
  await cut();
  await dialog.getByRole('button', { name: 'Rotate secret' }).click();
  await dialog.getByRole('region', { name: 'Secret' }).waitFor();
});

it('says in the place of what took too long that it did, also in cards, forms and dialogs', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await visit(`${stack.url}/dashboard/`, { key: client.key });
  await title(page, 'Overview').waitFor();
  const refused = /\/v1\/(events|event-types|deliveries\/\w+|webhooks\/\w+\/stats)(\?|$)/;
  await page.route(refused, answerTooSlow);
  const tooLong = (within: Locator) => within.getByText('The database took too long');
  const dialog = page.getByRole('dialog');
  const again = dialog.getByRole('button', { name: 'Try again' });
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  const card = page.getByRole('article', { name: 'Orders' });
  await tooLong(card).waitFor();
  await card.getByRole('button', { name: 'More actions for Orders' }).click();
  await page.getByRole('menuitem', { name: 'Send test event' }).click();
  await tooLong(dialog).waitFor();
  await page.unroute(refused);
  await again.click();
  await dialog.getByRole('checkbox', { name: 'email.sent' }).waitFor();
  await page.route(refused, answerTooSlow);
  await dialog.getByRole('button', { name: 'Send 1 test event' }).click();
  await tooLong(dialog).waitFor();
  await page.goto(`${stack.url}/dashboard/#/webhooks/new`);
  await page.getByLabel('Query').fill('{ "type": "email.sent" }');
  await tooLong(page.locator('main')).waitFor();
  await page.goto(`${stack.url}/dashboard/#/events`);
  await page.reload();
  await page.getByRole('button', { name: 'Send event' }).first().click();
  await tooLong(dialog).waitFor();
  await page.unroute(refused);
  await again.click();
  await dialog.getByLabel('Data (JSON)').waitFor();
});

it('says that the database is unavailable, and recovers by itself, also where nothing was shown yet', async () => {
  const url = new URL(testEnvironment().MONGODB_URL!);
  const proxy = await TcpProxy.start(url.host);
  url.host = proxy.address;
  url.search = '?directConnection=true';
  const behind = await Stack.start({ MONGODB_URL: url.toString() });
  try {
    const { client } = await behind.project();
    await makeWebhook(client, receiver.url, { name: 'Orders' });
    await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    const page = await visit(`${behind.url}/dashboard/`, { key: client.key });
    await page.getByText('All is well').waitFor();
    const { token } = (await behind.admin.post('/v1/sign-in-links')).body.data as { token: string };
    await proxy.cut();
    const byLink = await visit(`${behind.url}/dashboard/#sign-in=${token}`);
    const again = await page.context().newPage();
    await again.goto(`${behind.url}/dashboard/`);
    await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
    const unavailable = page.getByText('Posthorn cannot reach its database').first();
    await unavailable.waitFor(OUTAGE);
    await expectAccessible(page);
    for (const one of [again, byLink]) {
      await one.getByText('Posthorn cannot reach its database').waitFor(OUTAGE);
      // They ask by themselves.
      await soon(async () =>
        expect(await one.getByRole('button', { name: 'Try again' }).count()).toBe(0),
      );
    }
    await proxy.restore();
    await page.getByRole('article', { name: 'Orders' }).waitFor(OUTAGE);
    await unavailable.waitFor({ state: 'detached', ...OUTAGE });
    await again.getByText('All is well').waitFor(OUTAGE);
    await title(byLink, 'Overview').waitFor(OUTAGE);
  } finally {
    await proxy.restore().catch(() => undefined);
    await behind.stop();
    await proxy.stop();
  }
});

it('goes on showing deliveries when their stream falls silent without an end', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url, { name: 'Orders' });
  const proxy = await TcpProxy.start(new URL(stack.url).host);
  try {
    const address = `http://${proxy.address}/dashboard/`;
    const page = await visit(address, { key: client.key });
    await page.clock.install();
    const ready = proxy.sends('event: ready');
    await page.goto(`${address}#/deliveries`);
    const freeze = await ready;
    const succeeded = page.getByRole('row', { name: /Succeeded/ });
    await postEvent(client);
    await succeeded.first().waitFor();
    freeze();
    // A look that is due already may still show the first of these.
    for (const n of [1, 2]) {
      await postEvent(client);
      await eventually('it is shown', async () => {
        await page.clock.fastForward(SILENCE_MS);
        return (await succeeded.count()) > n;
      });
    }
  } finally {
    await proxy.stop();
  }
});

it('says when something has been due for long, and leads to why', async () => {
  const { id, client } = await stack.project();
  const { id: webhookId } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const at = new Date(Date.now() - 10 * 60_000);
  const queued = { createdAt: new Date(at.getTime() - 60_000), deferredFor: 'replay' } as const;
  const late = { createdAt: at, nextAttemptAt: at, completedAt: null, status: 'pending' } as const;
  await insertDelivery(stack, {
    projectId: id,
    webhookId,
    ...late,
    ...queued,
    nextAttemptAt: null,
  });
  const page = await visit(`${stack.url}/dashboard/`, { key: client.key });
  await page.getByText('All is well').waitFor();
  await insertDelivery(stack, { projectId: id, webhookId, ...late });
  await page.reload();
  await page.getByText(/The oldest pending delivery has been due for 1\d min/).waitFor();
  expect(await page.getByText('All is well').count()).toBe(0);
  await expectAccessible(page);
  await page.getByRole('link', { name: 'See why it is waiting' }).click();
  await title(page, 'email.sent').waitFor();
  // As while no worker is running.
  const acceptedAt = new Date(at.getTime() - 10 * 60_000);
  const eventId = await insertUnplanned(stack, { projectId: id, acceptedAt });
  await page.goBack();
  await page.reload();
  await page.getByText(/An accepted event has been waiting for 2\d min to be delivered/).waitFor();
  expect(await page.getByText('All is well').count()).toBe(0);
  await page.getByRole('link', { name: 'See the event' }).click();
  await page.waitForURL(`**/events/${eventId}`);
});

it('tells all tabs when one of them signs out, or in with another key', async () => {
  const { id, client } = await stack.project();
  const { id: webhookId } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  await client.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
  await deliveryWith(client, await postEvent(client), { status: 'skipped' });
  const page = await visit(`${stack.url}/dashboard/#/webhooks`);
  await page.getByLabel('API key').fill(client.key);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'New webhook' }).waitFor();
  await button(page, 'More actions for Orders').click();
  await page.getByRole('menuitem', { name: 'Enable' }).click();
  await inDialog(page, 'Enable').click();
  const offer = page.getByRole('group').filter({ hasText: 'One delivery to Orders was skipped' });
  await offer.waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.getByRole('link', { name: 'New webhook' }).waitFor();
  await other.getByRole('button', { name: 'Owner key' }).click();
  await other.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  await offer.waitFor({ state: 'detached' });
  const reader = await stack.client(id, 'reader');
  await page.getByLabel('API key').fill(reader.key);
  await page.keyboard.press('Enter');
  for (const tab of [page, other]) {
    await tab.getByRole('article', { name: 'Orders' }).waitFor();
    await soon(async () =>
      expect(await tab.getByRole('link', { name: 'New webhook' }).count()).toBe(0),
    );
  }
});
