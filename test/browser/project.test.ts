import type { Route } from 'playwright-core';
import { eventually, soon } from '../support/eventually';
import type { ApiClient } from '../support/api-client';
import { focused, isTold, WIDE } from '../support/chromium';
import {
  button,
  HOSTILE,
  hostileProject,
  inDialog,
  link,
  look,
  postOrder,
  title,
  useDashboard,
} from '../support/dashboard';
import { ADMIN_KEY } from '../support/stack';

const { receiver, stack, visit, open } = useDashboard();

let client: ApiClient;
let projectId: string;
let webhookId: string;
beforeAll(async () => {
  ({ client, projectId, webhookId } = await hostileProject(stack, receiver.url));
  await client.delete(`/v1/events/${await postOrder(client)}`);
});

it('shows a new key once, and revokes it', async () => {
  const page = await open(client.key, 'API keys');
  await page.getByText('This session').waitFor();
  await button(page, 'Create key').click();
  await inDialog(page, 'Create key').click();
  await page.getByText('Give it a name.').waitFor();
  await focused(page.getByRole('dialog').getByLabel('Name')).waitFor();
  await page.getByRole('dialog').getByLabel('Name').fill(HOSTILE);
  const expires = page.getByLabel('Expires', { exact: true });
  await expires.selectOption('chosen');
  await inDialog(page, 'Create key').click();
  await page.getByText('Choose a time.').waitFor();
  // What was wrong with the one choice is not said of the next.
  await expires.selectOption('30');
  await expires.selectOption('chosen');
  await page.getByLabel('Expires at').waitFor();
  expect(await page.getByText('Choose a time.').count()).toBe(0);
  await expires.selectOption('30');
  await look(page, 'key-new');
  await inDialog(page, 'Create key').click();
  await page.getByText('Copy the key now').waitFor();
  const key = (await page.getByRole('region', { name: 'API key' }).textContent())!;
  expect(key).toMatch(/^phk_/);
  await inDialog(page, 'Copy API key').click();
  await soon(async () => expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key));
  await inDialog(page, 'I have stored it').click();
  await soon(async () => expect(await page.content()).not.toContain(key));
  await look(page, 'keys');
  const revoke = page.getByRole('button', { name: /^Revoke .*<img/ });
  await revoke.click();
  await page.getByText('refused with 401').waitFor();
  await look(page, 'key-revoke');
  await inDialog(page, 'Revoke key').click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await revoke.waitFor({ state: 'detached' });
  // The button from which that was asked is gone.
  await focused(page.getByRole('heading', { level: 1, name: 'API keys' })).waitFor();
});

it('stays open until the answer is there that is shown once', async () => {
  const page = await open(client.key, 'API keys');
  const asked: Route[] = [];
  await page.route(/\/(keys|rotate)$/, (route) =>
    route.request().method() === 'POST' ? void asked.push(route) : route.continue(),
  );
  const confirm = async (action: string, shown: string): Promise<void> => {
    await inDialog(page, action).click();
    const route = await eventually('it is asked for', () => asked.pop());
    await soon(async () => expect(await inDialog(page, 'Cancel').isDisabled()).toBe(true));
    await page.keyboard.press('Escape');
    await route.continue();
    await page.getByRole('dialog').getByRole('region', { name: shown }).waitFor();
  };
  await button(page, 'Create key').click();
  await page.getByRole('dialog').getByLabel('Name').fill('Shop');
  await confirm('Create key', 'API key');
  await inDialog(page, 'I have stored it').click();
  await link(page, 'Webhooks').click();
  await page.getByRole('button', { name: /^More actions for/ }).click();
  await page.getByRole('menuitem', { name: 'Rotate secret' }).click();
  await confirm('Rotate secret', 'Secret');
});

it('lists who did what, by action and target', async () => {
  const page = await open(client.key, 'Audit log');
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
  const page = await open(client.key, 'Project settings');
  await page.getByText('Only the admin can change these settings').waitFor();
  expect(await button(page, 'Save changes').count()).toBe(0);
  await page.getByLabel('Permissions').selectOption('manage');
  await button(page, 'Create a link').click();
  const opened = page.context().waitForEvent('page');
  await link(page, 'Open the portal').click();
  await title(await opened, 'Overview').waitFor();
  await look(page, 'settings-owner');
  // It may do more than what is chosen then.
  await page.getByLabel('Permissions').selectOption('read');
  await link(page, 'Open the portal').waitFor({ state: 'detached' });
  await page.getByLabel('Permissions').selectOption('manage');
  await link(page, 'Open the portal').waitFor();
  await button(page, 'Revoke all links').click();
  await inDialog(page, 'Revoke all links').click();
  await isTold(page, 'All portal links were revoked');
  await link(page, 'Open the portal').waitFor({ state: 'detached' });
  const admin = await visit(ADMIN_KEY);
  await admin.getByLabel('Project').selectOption(projectId);
  await link(admin, 'Project settings').click();
  await admin.getByLabel('Timeout in seconds').fill('0.5');
  await admin.getByLabel('Retry delays').fill('1m, 2m');
  await admin.getByLabel('Attempts per second').fill('none');
  await admin.getByLabel('Origins').fill('https://app.example.com/path');
  await button(admin, 'Save changes').click();
  await admin.getByText('From 1 to 60 seconds.').waitFor();
  await focused(admin.getByLabel('Timeout in seconds')).waitFor();
  await admin.getByLabel('Timeout in seconds').fill('20');
  await admin.context().setOffline(true);
  await button(admin, 'Save changes').click();
  const refusal = admin.getByRole('alert').filter({ hasText: 'Posthorn does not answer' });
  await soon(async () => {
    const { y = -1, height = 0 } = (await refusal.boundingBox()) ?? {};
    expect([y, WIDE.height - y - height].every((distance) => distance >= 0)).toBe(true);
  });
  // Else it may come or leave while the button is being pressed, which moves by its height.
  const outdated = admin.getByText('may be out of date');
  await outdated.waitFor();
  await admin.context().setOffline(false);
  await outdated.waitFor({ state: 'detached' });
  await button(admin, 'Save changes').click();
  await admin.getByText(/must be an exact origin/i).waitFor();
  await focused(admin.getByLabel('Origins')).waitFor();
  await look(admin, 'settings');
  await admin.getByLabel('Origins').fill('https://app.example.com');
  await button(admin, 'Save changes').click();
  await isTold(admin, 'The settings were saved');
  const { body } = await stack.admin.get(`/v1/projects/${projectId}`);
  expect(body.data).toMatchObject({
    policy: { timeoutMs: 20_000, retryDelaysMs: [60_000, 120_000], ratePerSecond: null },
    portalOrigins: ['https://app.example.com'],
  });
});

it('lists the event types of a catalogue that the project has just been given', async () => {
  const { id } = await stack.project({ profile: 'custom' });
  const definition = { description: 'Opened.', schema: { type: 'object' }, sample: {} };
  await stack.admin.send('PUT', '/v1/catalogs/shop/event-types/shop.opened', definition);
  const page = await visit(ADMIN_KEY);
  await page.getByLabel('Project').selectOption(id);
  await link(page, 'Event types').click();
  await page.getByText('No event types yet').waitFor();
  await link(page, 'Project settings').click();
  await page.getByLabel('Catalogue').fill('shop');
  await button(page, 'Save changes').click();
  await isTold(page, 'The settings were saved');
  await link(page, 'Event types').click();
  await page.getByText('shop.opened').waitFor();
});

it('shows what was done in a project, also when another one was open as it was answered', async () => {
  const { id } = await stack.project();
  for (const name of ['Nightly', 'Shop']) {
    await stack.admin.post(`/v1/projects/${id}/keys`, { name, role: 'sender' });
  }
  const page = await visit(ADMIN_KEY);
  const choose = async (project: string): Promise<void> => {
    await page.getByLabel('Project').selectOption(project);
    await title(page, 'Overview').waitFor();
  };
  await choose(id);
  await link(page, 'API keys').click();
  const asked: Route[] = [];
  await page.route(/\/keys\/key_/, (route) => void asked.push(route));
  await button(page, 'Revoke Nightly').click();
  await inDialog(page, 'Revoke key').click();
  const revocation = await eventually('it is being revoked', () => asked[0]);
  await page.keyboard.press('Escape');
  await choose(projectId);
  await revocation.continue();
  await isTold(page, 'The key was revoked');
  await choose(id);
  await link(page, 'API keys').click();
  await button(page, 'Revoke Shop').waitFor();
  await button(page, 'Revoke Nightly').waitFor({ state: 'detached' });
});
