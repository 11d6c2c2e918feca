import type { Page, Route } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { inDialog, link, title, useDashboard } from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { ADMIN_KEY } from '../support/stack';
import { insertDeliveries } from '../integration/api/insert';

const { receiver, stack, visit, open } = useDashboard();

/** As many as a batch asks at once. */
const AT_ONCE = 4;
/** More than a page of the list. */
const COUNT = 60;

/** A project with deliveries that wait because their webhook is paused. */
async function waiting(count: number): Promise<{ id: string; client: ApiClient }> {
  const { id, client } = await stack.project();
  const webhook = await makeWebhook(client, receiver.url);
  await client.post(`/v1/webhooks/${webhook.id}/pause`);
  const events = Array.from({ length: count }, () => ({ type: 'email.sent', data: emailSent }));
  await client.post('/v1/events/batch', { events });
  await having(client, 'held', count);
  return { id, client };
}

const having = (client: ApiClient, status: string, count: number): Promise<true> =>
  eventually(`${count} are ${status}`, async () => {
    const { body } = await client.get(`/v1/deliveries?limit=100&status=${status}`);
    return body.data.deliveries.length === count;
  });

/** The admin, who has told to cancel all that match in one project; what is asked for then is kept waiting. */
async function cancelling(
  from: string,
  isKept: (url: string) => boolean,
): Promise<{ page: Page; cancels: string[]; kept: Route[] }> {
  const page = await visit(ADMIN_KEY);
  await page.getByLabel('Project').selectOption(from);
  await link(page, 'Webhooks').click();
  await title(page, 'Webhooks').waitFor();
  await page.goto(`${stack.url}/dashboard/#/deliveries?status=held`);
  await page.getByLabel('Select all loaded rows').check();
  const bar = page.getByRole('region', { name: 'Selected deliveries' });
  await bar.getByRole('button', { name: 'Select all that match' }).click();
  await bar.getByRole('button', { name: 'Cancel', exact: true }).click();
  const cancels: string[] = [];
  const kept: Route[] = [];
  await page.route('**/v1/deliveries**', (route) => {
    const url = route.request().url();
    if (url.endsWith('/cancel')) cancels.push(url);
    const isFirst = isKept(url) && kept.length < AT_ONCE;
    return isFirst ? void kept.push(route) : route.continue();
  });
  await inDialog(page, 'Cancel deliveries').click();
  return { page, cancels, kept };
}

/** Goes back, to the deliveries of another project, while what was kept waiting is answered. */
async function leave(page: Page, to: string, kept: Route[]): Promise<void> {
  await page.goBack();
  await title(page, 'Webhooks').waitFor();
  await page.getByLabel('Project').selectOption(to);
  await title(page, 'Overview').waitFor();
  const answered = kept.map((route) => route.request().response());
  await Promise.all(kept.map((route) => route.continue()));
  await Promise.all(answered);
  await link(page, 'Deliveries').click();
  await page
    .getByRole('row', { name: /email\.sent.*Held/ })
    .first()
    .waitFor();
}

it('a batch ends when its page is left, and touches nothing of the project that is chosen then', async () => {
  const [one, other] = await Promise.all([waiting(COUNT), waiting(1)]);
  const { page, cancels, kept } = await cancelling(one.id, (url) => url.endsWith('/cancel'));
  await eventually('some are on their way', () => kept.length === AT_ONCE);
  await leave(page, other.id, kept);
  expect(cancels).toHaveLength(AT_ONCE);
  await having(one.client, 'cancelled', AT_ONCE);
  await having(other.client, 'held', 1);
});

it('a batch whose page is left before it knows what matches does nothing', async () => {
  const [one, other] = await Promise.all([waiting(COUNT), waiting(1)]);
  const { page, cancels, kept } = await cancelling(one.id, (url) => url.includes('limit=100'));
  await eventually('it has asked for what matches', () => kept.length === 1);
  await leave(page, other.id, kept);
  expect(cancels).toEqual([]);
  await having(one.client, 'held', COUNT);
});

it('a batch that can not list the rest does what it has, says so, and can be closed', async () => {
  const { id, client } = await waiting(COUNT);
  const { page, kept } = await cancelling(
    id,
    (url) => url.includes('limit=100') || url.endsWith('/cancel'),
  );
  const first = await eventually('it asks for what matches', () => kept[0]);
  await first.continue({ url: first.request().url().replace('limit=100', 'limit=2') });
  await eventually('two are on their way, and it asks for the rest', () => kept.length === AT_ONCE);
  const isRest = (route: Route): boolean => route.request().url().includes('cursor=');
  await refuse(kept.find(isRest)!, 500, 'internal_error');
  // They are told to wait, and so end after the list.
  for (const cancel of kept.slice(1)) {
    if (!isRest(cancel)) await refuse(cancel, 429, 'rate_limited');
  }
  await page.getByText('Ended after 2 deliveries: the others could not be listed.').waitFor();
  await inDialog(page, 'Close').last().click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await having(client, 'cancelled', 2);
});

it('a batch is of what was asked about, whatever becomes of the others meanwhile', async () => {
  const { id: projectId, client } = await stack.project();
  const waits = { completedAt: null, nextAttemptAt: new Date(Date.now() + 3_600_000) };
  const [pending, failed] = await insertDeliveries(stack, [
    { projectId, status: 'pending', ...waits },
    { projectId, status: 'failed' },
  ]);
  const page = await open(client.key, 'Deliveries');
  await page.getByLabel('Select all loaded rows').check();
  const bar = page.getByRole('region', { name: 'Selected deliveries' });
  await bar.getByRole('button', { name: 'Replay 1', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('1 selected delivery is left alone').waitFor();
  const arrived = { status: 'succeeded', completedAt: new Date(), nextAttemptAt: null } as const;
  await stack.store.deliveries.model.updateOne({ _id: pending }, arrived);
  // Behind a dialog, which hides its role.
  await page.locator('[data-index="1"]', { hasText: 'Succeeded' }).waitFor();
  expect(await dialog.getByRole('heading').textContent()).toBe('Replay 1 delivery?');
  const replayed: string[] = [];
  await page.route('**/replay', async (route) => {
    replayed.push(route.request().url());
    await refuse(route, 409, 'delivery_not_replayable');
  });
  await inDialog(page, 'Replay').click();
  await dialog.getByText('Done: 0 deliveries.').waitFor();
  expect(replayed).toEqual([`${stack.url}/v1/deliveries/${failed}/replay`]);
});

async function refuse(route: Route, status: number, code: string): Promise<void> {
  const error = { code, message: 'refused', requestId: 'req_1' };
  const headers = { 'retry-after': '0' };
  await route.fulfill({ status, headers, json: { success: false, error } });
  await route.request().response();
}
