import type { Page, Route } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { signIn } from '../support/chromium';
import { inDialog, link, title, useDashboard } from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { ADMIN_KEY } from '../support/stack';

const { receiver, stack, visit } = useDashboard();

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
  const page = await visit();
  await signIn(page, ADMIN_KEY);
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
