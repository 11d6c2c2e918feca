import type { Locator } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { signIn, useChromium } from '../support/chromium';
import { button, inDialog } from '../support/dashboard';
import { insertDelivery } from '../integration/api/insert';
import { makeWebhook } from '../support/deliveries';
import { soon } from '../support/eventually';
import { useStack } from '../support/use';

const stack = useStack({}, { worker: false });
const { visit } = useChromium();

let projectId: string;
let client: ApiClient;
beforeAll(async () => {
  ({ id: projectId, client } = await stack.project());
});

const open = (path: string) =>
  visit(`${stack.url}/dashboard/#${path}`, { zone: 'Europe/Berlin', key: client.key });

/** By keys, past the month and the day; after the year come the hours. */
async function typeYearAndHour(moment: Locator): Promise<void> {
  await moment.fill('2035-11-28T10:30:15');
  await moment.press('ArrowRight');
  await moment.press('ArrowRight');
  await moment.page().keyboard.type('203611');
  await soon(async () => expect(await moment.inputValue()).toBe('2036-11-28T11:30:15'));
}

it('takes a moment as it is typed, in the zone of whoever types it', async () => {
  const page = await open('/keys');
  await button(page, 'Create key').click();
  await page.getByRole('dialog').getByLabel('Name').fill('Nightly');
  await page.getByLabel('Expires', { exact: true }).selectOption('chosen');
  const moment = page.getByLabel('Expires at');
  const expectWrong = (isWrong: string | null): Promise<void> =>
    soon(async () => expect(await moment.getAttribute('aria-invalid')).toBe(isWrong));
  await moment.fill('2001-01-01T00:00:00');
  await inDialog(page, 'Create key').click();
  await expectWrong('true');
  await typeYearAndHour(moment);
  await expectWrong(null);
  await inDialog(page, 'Create key').click();
  await page.getByText('Copy the key now').waitFor();
  const shown = page.getByRole('dialog').getByRole('time');
  expect(await shown.getAttribute('datetime')).toBe('2036-11-28T10:30:15.000Z');
  const { keys } = (await client.get(`/v1/projects/${projectId}/keys`)).body.data;
  expect(keys[0]).toMatchObject({ name: 'Nightly', expiresAt: '2036-11-28T10:30:15.000Z' });
});

it('takes a moment that is typed into a filter, which the address has', async () => {
  const page = await open('/deliveries');
  await page.getByLabel('Created', { exact: true }).selectOption('custom');
  await typeYearAndHour(page.getByLabel('From', { exact: true }));
  await page.waitForURL(/since=2036-11-28T10%3A30%3A15\.000Z/);
  await page.reload();
  const moment = page.getByLabel('From', { exact: true });
  await soon(async () => expect(await moment.inputValue()).toBe('2036-11-28T11:30:15'));
});

it.each([
  ['slow', -5],
  ['fast', 120],
])('lists and replays by the API’s clock where the browser’s is %s', async (_word, minutes) => {
  const own = await stack.project();
  const createdAt = new Date(Date.now() - 120_000);
  const { id: webhookId } = await makeWebhook(own.client, 'https://example.com/hooks');
  const failed = { projectId: own.id, webhookId, status: 'failed' as const, createdAt };
  const id = await insertDelivery(stack, failed);
  const page = await visit(`${stack.url}/dashboard/`);
  await page.clock.install({ time: Date.now() + minutes * 60_000 });
  await signIn(page, own.client.key);
  await page.goto(`${stack.url}/dashboard/#/deliveries?range=1h`);
  const row = page.getByRole('grid', { name: 'Deliveries' }).locator('[data-index]');
  await row.getByText(/^[2-9] min ago$/).waitFor();
  await page.goto(`${stack.url}/dashboard/#/deliveries/${id}`);
  await button(page, 'More actions').click();
  await page.getByRole('menuitem', { name: 'Replay all that failed since this one' }).click();
  await page.getByText('1 delivery will be sent again.').waitFor();
});
