import type { FrameLocator, Page, Route } from 'playwright-core';
import { expectAccessible, signIn, useChromium } from '../support/chromium';
import { button, inDialog, link, title, WATCH_MS } from '../support/dashboard';
import { makeWebhook, postEvent } from '../support/deliveries';
import { eventually, soon } from '../support/eventually';
import { startPortalExample } from '../support/portal-example';
import { ADMIN_KEY } from '../support/stack';
import { useReceiver, useStack } from '../support/use';

const stack = useStack();
const receiver = useReceiver();
const { visit } = useChromium();

/** As when it has lasted too long: the page is not told. */
const END_SESSION = `(async () => {
  const { data } = await (await fetch('session')).json();
  const headers = { 'x-csrf-token': data.csrfToken };
  const { status } = await fetch('session', { method: 'DELETE', headers });
  if (status !== 200) throw new Error('answered ' + status);
})()`;

const nameOf = (within: Page | FrameLocator) => within.getByLabel('Name', { exact: true });
const urlOf = (within: Page | FrameLocator) => within.getByLabel('URL', { exact: true });
const ready = (within: Page | FrameLocator) => title(within, 'Orders is ready');
const create = (within: Page | FrameLocator): Promise<void> =>
  within.getByRole('button', { name: 'Create webhook' }).click();

/** Longer than anything unused is kept by default. */
const LATER = '10:00';

/** Ends the session, and lets the page find out on its own. Its clock must be installed. */
async function endSession(page: Page): Promise<void> {
  await page.evaluate(END_SESSION);
  await page.clock.fastForward(WATCH_MS);
}

/** By what the page says then, and not at once. The page's clock must be installed. */
async function signInAgain(page: Page, key: string): Promise<void> {
  await page.getByText('Your session has ended. Sign in again').waitFor();
  await expectAccessible(page);
  await page.clock.fastForward(LATER);
  await page.getByLabel('API key').fill(key);
  await page.keyboard.press('Enter');
}

it('keeps what was typed for whoever signs in with the same key, and for nobody else', async () => {
  const { client } = await stack.project();
  const other = await stack.project();
  const page = await visit(`${stack.url}/dashboard/`);
  await page.clock.install();
  await signIn(page, client.key);
  await page.goto(`${stack.url}/dashboard/#/webhooks/new`);
  await nameOf(page).fill('Orders');
  await urlOf(page).fill(receiver.url);
  for (const key of [client.key, other.client.key]) {
    await page.evaluate(END_SESSION);
    await create(page);
    await soon(async () => expect(await nameOf(page).isVisible()).toBe(false));
    await signInAgain(page, key);
    await nameOf(page).waitFor();
    await soon(async () =>
      expect(await nameOf(page).inputValue()).toBe(key === client.key ? 'Orders' : ''),
    );
  }
  await nameOf(page).fill('Orders');
  await urlOf(page).fill(receiver.url);
  await create(page);
  await ready(page).waitFor();
  const { webhooks } = (await other.client.get('/v1/webhooks')).body.data;
  expect(webhooks).toHaveLength(1);
});

it('keeps what was typed, and what is shown once, when a watched page finds the session ended', async () => {
  const { client } = await stack.project();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const page = await visit(`${stack.url}/dashboard/`);
  await page.clock.install();
  await signIn(page, client.key);
  await page.goto(`${stack.url}/dashboard/#/webhooks/${id}/edit`);
  await nameOf(page).fill('Shop');
  await endSession(page);
  await signInAgain(page, client.key);
  await nameOf(page).waitFor();
  await soon(async () => expect(await nameOf(page).inputValue()).toBe('Shop'));
  await page.getByRole('button', { name: 'Save changes' }).click();
  await title(page, 'Shop').waitFor();

  const menu = page.getByRole('button', { name: 'More actions for Shop' });
  const secret = page.getByRole('dialog').getByRole('region', { name: 'Secret' });
  const staysThroughAnEnd = async (): Promise<void> => {
    await secret.waitFor();
    const text = await secret.textContent();
    await endSession(page);
    await signInAgain(page, client.key);
    await secret.waitFor();
    await soon(async () => expect(await secret.textContent()).toBe(text));
  };
  await menu.click();
  await page.getByRole('menuitem', { name: 'Reveal secret' }).click();
  await staysThroughAnEnd();
  await page.keyboard.press('Escape');
  await secret.waitFor({ state: 'detached' });

  await menu.click();
  await page.getByRole('menuitem', { name: 'Rotate secret' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
  await page.getByText('The new secret.').waitFor();
  await staysThroughAnEnd();

  const { entries } = (await client.get('/v1/audit?action=webhook.secret_revealed')).body.data;
  expect(entries).toHaveLength(1);
});

it('answers nobody what was asked with a key that has signed out since', async () => {
  const { id: projectId, client } = await stack.project();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  await makeWebhook(client, receiver.url, { name: 'Shop' });
  await client.patch(`/v1/webhooks/${id}`, { isActive: false });
  await postEvent(client);
  await eventually('one is skipped', async () => {
    const { body } = await client.get('/v1/deliveries?status=skipped');
    return body.data.deliveries.length === 1;
  });
  const reader = await stack.client(projectId, 'reader');
  const page = await visit(`${stack.url}/dashboard/#/events`, { key: client.key });
  let saved = 0;
  page.on('download', () => void (saved += 1));
  const asked: Route[] = [];
  await page.route('**/v1/events/export*', (route) => void asked.push(route));
  await page.route('**/v1/webhooks/*', (route) =>
    route.request().method() === 'PATCH' ? void asked.push(route) : route.continue(),
  );
  const next = (): Promise<Route> => eventually('it is asked for', () => asked.shift());
  const event = page.getByRole('row', { name: /email\.sent/ }).first();
  await event.waitFor();
  await button(page, 'Export').click();
  await page.getByRole('menuitem', { name: 'As NDJSON' }).click();
  const exporting = await next();
  await link(page, 'Webhooks').click();
  const begin = async (name: string, action: string): Promise<Route> => {
    await button(page, `More actions for ${name}`).click();
    await page.getByRole('menuitem', { name: action }).click();
    await inDialog(page, action).click();
    const route = await next();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    return route;
  };
  const enabling = await begin('Orders', 'Enable');
  const disabling = await begin('Shop', 'Disable');
  const saving = await exporting.fetch();
  const enabled = await enabling.fetch();
  await button(page, 'Owner key').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  const refused = await disabling.fetch();
  expect([saving, enabled, refused].map((answer) => answer.status())).toEqual([200, 200, 401]);
  await page.getByLabel('API key').fill(reader.key);
  await page.keyboard.press('Enter');
  await button(page, 'Reader key').waitFor();
  await exporting.fulfill({ response: saving });
  await enabling.fulfill({ response: enabled });
  await disabling.fulfill({ response: refused });
  // By the time at which these are there, it would have been told.
  for (const name of ['Deliveries', 'Events']) {
    await link(page, name).click();
    await title(page, name).waitFor();
    await event.waitFor();
  }
  expect(await page.evaluate<string>('window.shown')).not.toMatch(
    /The webhook was enabled|to Orders was skipped|Your session has ended/,
  );
  expect(saved).toBe(0);
});

it('keeps what a customer has typed when the embedding page gives another link', async () => {
  const { id, client } = await stack.project();
  const example = await startPortalExample({
    POSTHORN_URL: stack.url,
    POSTHORN_ADMIN_KEY: ADMIN_KEY,
    POSTHORN_PROJECT: id,
  });
  try {
    const page = await visit(example.url);
    const portal = page.frameLocator('#portal');
    await portal.getByRole('link', { name: 'Webhooks', exact: true }).click();
    await portal.getByRole('link', { name: 'New webhook' }).first().click();
    await nameOf(portal).fill('Orders');
    await urlOf(portal).fill(receiver.url);
    const renewed = page.waitForResponse(/portal-link/);
    await client.delete('/v1/portal-links');
    // Either this request finds out, or an earlier one that the page made on its own.
    const created = page.waitForResponse(
      (answer) => answer.request().method() === 'POST' && answer.url().endsWith('/v1/webhooks'),
    );
    await create(portal);
    await Promise.all([renewed, created]);
    if ((await created).status() === 401) await create(portal);
    await ready(portal).waitFor();
  } finally {
    example.stop();
  }
});
