import type { Locator } from 'playwright-core';
import { insertDelivery } from '../integration/api/insert';
import type { ApiClient } from '../support/api-client';
import { expectAccessible, NARROW, useChromium } from '../support/chromium';
import { leaving, title } from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { soon } from '../support/eventually';
import { portalLink } from '../support/portal-link';
import { useStack } from '../support/use';

const stack = useStack({}, { worker: false });
const { visit } = useChromium();

const DISABLED = 'The provider of this page has disabled this webhook';

/** A project with a webhook, what it could not be sent, and the portal as its customer sees it. */
async function arrive(capabilities: 'read' | 'manage') {
  const { id, client } = await stack.project();
  const { id: webhookId } = await makeWebhook(client, 'https://example.com/', { name: 'Orders' });
  const fields = { projectId: id, webhookId, completedAt: new Date() };
  const skipped = { ...fields, status: 'skipped', endReason: 'webhook_disabled' } as const;
  const deliveryId = await insertDelivery(stack, skipped);
  await insertDelivery(stack, { ...fields, status: 'cancelled' });
  const link = await portalLink(client, capabilities);
  const page = await visit(link.url);
  await title(page, 'Overview').waitFor();
  const go = async (path: string): Promise<void> => {
    await page.goto(`${stack.url}/portal/${id}/#${path}`);
  };
  return { id, client, page, go, webhookId, deliveryId, portal: link.client };
}

/** It can be reached by keyboard, says why it can't be pressed, and does nothing. */
async function expectRefused(control: Locator, why: string): Promise<void> {
  // What a refusal has taught the page shows when it has loaded the webhook again.
  await control.and(control.page().locator('[aria-disabled="true"]')).waitFor();
  await control.focus();
  await soon(async () => expect(await control.evaluate((one) => one.matches(':focus'))).toBe(true));
  await control.press('Enter');
  const id = await control.getAttribute('aria-describedby');
  const description =
    id === null
      ? await control.getAttribute('title')
      : await control.page().locator(`[id="${id}"]`).textContent();
  expect(description).toContain(why);
  expect(await control.page().getByRole('dialog').count()).toBe(0);
}

it('says in place what the platform has disabled, by keyboard too, and does nothing against it', async () => {
  const { id, client, page, go, webhookId, deliveryId } = await arrive('manage');
  await client.post(`/v1/webhooks/${webhookId}/pause`);
  await client.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
  const pending = { projectId: id, webhookId, status: 'pending', completedAt: null } as const;
  const pendingId = await insertDelivery(stack, { ...pending, test: true });
  await go(`/webhooks/${webhookId}`);
  await page.getByText(DISABLED).first().waitFor();
  await expectRefused(page.getByRole('button', { name: 'Send test event' }), DISABLED);
  await page.getByRole('button', { name: /^More actions/ }).press('Enter');
  for (const [name, why] of [
    ['Send test event', DISABLED],
    ['Resume', 'The provider of this page has paused this webhook'],
    ['Enable', DISABLED],
    ['Delete', DISABLED],
  ] as const) {
    await expectRefused(page.getByRole('menuitem', { name: new RegExp(`^${name}`) }), why);
  }
  await expectAccessible(page);
  await page.keyboard.press('Escape');

  await go(`/deliveries/${deliveryId}`);
  await title(page, 'email.sent').waitFor();
  await page.getByText(DISABLED).first().waitFor();
  expect(await page.getByText('can be replayed when').count()).toBe(0);
  await expectRefused(page.getByRole('button', { name: 'Replay' }), DISABLED);
  await page.getByRole('button', { name: 'More actions' }).press('Enter');
  await expectRefused(page.getByRole('menuitem', { name: /^Replay all that failed/ }), DISABLED);
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await go(`/deliveries/${pendingId}`);
  await expectRefused(page.getByRole('button', { name: 'Retry now' }), DISABLED);

  await go('/deliveries');
  const boxes = page.getByRole('checkbox', { name: /^Select email/ });
  const bar = page.getByRole('region', { name: 'Selected deliveries' });
  await boxes.first().check();
  await expectRefused(bar.getByRole('button', { name: 'Retry 1 now' }), DISABLED);
  await boxes.first().uncheck();
  await boxes.last().check();
  await bar.getByText(DISABLED).waitFor();
  await expectRefused(bar.getByRole('button', { name: 'Replay 1' }), DISABLED);
  await expectRefused(bar.getByRole('button', { name: /^Replay all that failed/ }), DISABLED);
  await page.setViewportSize(NARROW);
  await expectAccessible(page);
});

it('leaves alone, and counts, what may not be sent of what is selected', async () => {
  const { id, client, page, go, webhookId } = await arrive('manage');
  const { id: other } = await makeWebhook(client, 'https://example.com/other', { name: 'Other' });
  const ended = { status: 'cancelled', completedAt: new Date() } as const;
  const replayed = await insertDelivery(stack, { projectId: id, webhookId: other, ...ended });
  await client.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
  await go('/deliveries');
  await page.getByLabel('Select all loaded rows').check();
  await page.getByRole('button', { name: 'Replay 3' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replay 1 delivery?' });
  await dialog.getByText('2 selected deliveries are left alone').waitFor();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Replay' }).click();
  await dialog.getByText('Done: 1 delivery.').waitFor();
  // The page behind it knows by now, and what was asked stays what it was.
  await page.locator('[role=row]', { hasText: 'Pending' }).waitFor();
  await soon(async () => expect(await dialog.isVisible()).toBe(true));
  expect((await client.get(`/v1/deliveries/${replayed}`)).body.data.replays).toBe(1);
});

it('learns by a refusal what the platform has disabled meanwhile', async () => {
  const { client, page, go, webhookId, deliveryId } = await arrive('manage');
  await go(`/deliveries/${deliveryId}`);
  await page.getByRole('button', { name: 'Replay' }).click();
  await client.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Replay now' }).click();
  await page.getByText('The platform has disabled this webhook').first().waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expectRefused(page.getByRole('button', { name: 'Replay' }), DISABLED);
});

it('says whose a bulk replay is that the platform has started', async () => {
  const { client, page, go } = await arrive('manage');
  const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
  const { data } = (await client.post('/v1/replays', range)).body;
  await go(`/replays/${data.id}`);
  const why = 'The provider of this page has started this replay';
  await page.getByText(why).waitFor();
  await expectRefused(page.getByRole('button', { name: 'Pause' }), why);
  await expectRefused(page.getByRole('button', { name: 'Cancel replay' }), why);
  await expectAccessible(page);
});

it('refuses what a link to read tries to write, in words, also by an address typed by hand', async () => {
  const { client, page, go, webhookId, deliveryId, portal } = await arrive('read');
  for (const path of [
    '/webhooks/new',
    `/webhooks/${webhookId}/edit`,
    '/replays/new',
    '/event-types/new',
    '/event-types/email.sent/edit',
  ]) {
    await go(path);
    await page.getByText('Your link is read-only').waitFor();
    expect(await page.locator('main input, main textarea').count()).toBe(0);
    await expectAccessible(page);
    await go('/');
    await title(page, 'Overview').waitFor();
  }
  await go(`/deliveries/${deliveryId}`);
  await title(page, 'email.sent').waitFor();
  expect(await page.getByRole('button', { name: 'Replay' }).count()).toBe(0);
  for (const write of [
    (of: ApiClient) =>
      of.post('/v1/webhooks', { name: 'A', url: 'https://a.example/', events: ['*'] }),
    (of: ApiClient) => of.patch(`/v1/webhooks/${webhookId}`, { name: 'B' }),
    (of: ApiClient) => of.post(`/v1/deliveries/${deliveryId}/replay`),
  ]) {
    const answer = await write(portal);
    expect(answer.status).toBe(403);
    expect(answer.body.error.message).toContain('a portal link may not do this');
  }
  expect((await client.get('/v1/webhooks')).body.data.webhooks).toMatchObject([{ name: 'Orders' }]);
});

it('speaks to customers of nothing that is the platform’s', async () => {
  const { page, go, webhookId, deliveryId } = await arrive('manage');
  for (const path of [
    '/',
    '/webhooks',
    '/webhooks/new',
    `/webhooks/${webhookId}`,
    '/deliveries',
    `/deliveries/${deliveryId}`,
    '/events',
    '/event-types',
    '/event-types/email.sent',
    '/replays',
    '/replays/new',
    '/nowhere',
  ]) {
    await leaving(page);
    await go(path);
    await page.locator(`main :is(h1, h2):not([data-left])`).first().waitFor();
    await page.getByRole('status', { name: 'Loading…' }).first().waitFor({ state: 'detached' });
    expect([path, await page.locator('main').innerText()]).toEqual([
      path,
      expect.not.stringMatching(/Temporal|\bworkers?\b|operator|courier|your application has/i),
    ]);
    expect([path, await page.title()]).toEqual([path, expect.not.stringContaining('Posthorn')]);
  }
});
