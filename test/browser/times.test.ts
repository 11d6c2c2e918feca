import type { Locator } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { useChromium } from '../support/chromium';
import { button, inDialog, openPage } from '../support/dashboard';
import { soon } from '../support/eventually';
import { useStack } from '../support/use';

const stack = useStack({}, { worker: false });
const { visit } = useChromium();

let projectId: string;
let client: ApiClient;
beforeAll(async () => {
  ({ id: projectId, client } = await stack.project());
});

const open = async (name: string) =>
  openPage(await visit(`${stack.url}/dashboard/`, { zone: 'Europe/Berlin' }), client.key, name);

/** By keys, past the month and the day; after the year come the hours. */
async function typeYearAndHour(moment: Locator): Promise<void> {
  await moment.fill('2035-11-28T10:30:15');
  await moment.press('ArrowRight');
  await moment.press('ArrowRight');
  await moment.page().keyboard.type('203611');
  await soon(async () => expect(await moment.inputValue()).toBe('2036-11-28T11:30:15'));
}

it('takes a moment as it is typed, in the zone of whoever types it', async () => {
  const page = await open('API keys');
  await button(page, 'Create key').click();
  await page.getByRole('dialog').getByLabel('Name').fill('Nightly');
  await page.getByLabel('Expires', { exact: true }).selectOption('chosen');
  await typeYearAndHour(page.getByLabel('Expires at'));
  await inDialog(page, 'Create key').click();
  await page.getByText('Copy the key now').waitFor();
  const { keys } = (await client.get(`/v1/projects/${projectId}/keys`)).body.data;
  expect(keys[0]).toMatchObject({ name: 'Nightly', expiresAt: '2036-11-28T10:30:15.000Z' });
});

it('takes a moment that is typed into a filter, which the address has', async () => {
  const page = await open('Deliveries');
  await page.getByLabel('Created', { exact: true }).selectOption('custom');
  await typeYearAndHour(page.getByLabel('From', { exact: true }));
  await page.waitForURL(/since=2036-11-28T10%3A30%3A15\.000Z/);
  await page.reload();
  const moment = page.getByLabel('From', { exact: true });
  await soon(async () => expect(await moment.inputValue()).toBe('2036-11-28T11:30:15'));
});
