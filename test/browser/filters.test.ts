import type { Page } from 'playwright-core';
import { focused } from '../support/chromium';
import { button, link, title, useDashboard } from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { soon } from '../support/eventually';

const { receiver, stack, open } = useDashboard();

/** The log of a new project, as its owner sees it. */
async function arrive(): Promise<{ page: Page; go: (to: string) => Promise<unknown> }> {
  const { client } = await stack.project();
  const page = await open(client.key, 'Deliveries');
  return { page, go: (to) => page.goto(`${stack.url}/dashboard/#${to}`) };
}

const filtersIn = (page: Page): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(page.url().split('?')[1]));

it('applies each of the filters that are changed in one gesture', async () => {
  const { page } = await arrive();
  const [failed, skipped] = [button(page, 'Failed'), button(page, 'Skipped')];
  // As on a busy machine: the page has shown nothing between the two.
  await page.getByLabel('HTTP status').fill('5xx');
  await page.getByLabel('HTTP status').evaluate(
    (field, chip) => {
      field.blur();
      chip?.dispatchEvent(new Event('click', { bubbles: true }));
    },
    await failed.elementHandle(),
  );
  await soon(async () => expect(filtersIn(page)).toEqual({ statusCode: '5xx', status: 'failed' }));
  await failed.evaluate(
    (chip, other) => {
      for (const one of [chip, other]) one?.dispatchEvent(new Event('click', { bubbles: true }));
    },
    await skipped.elementHandle(),
  );
  await soon(async () => expect(filtersIn(page)).toEqual({ statusCode: '5xx', status: 'skipped' }));
  await button(page, 'Clear filters').first().click();
  await soon(async () => expect(filtersIn(page)).toEqual({}));
  await soon(async () => expect(await page.getByLabel('HTTP status').inputValue()).toBe(''));
});

it('leaves the focus in a search that is emptied, with what is typed next', async () => {
  const { page, go } = await arrive();
  for (const [to, label, found] of [
    ['/events?q=nothing', 'Search events', 'Results for'],
    ['/audit?target=nothing', 'Id of what was changed', 'No entry matches'],
    ['/deliveries?statusCode=404', 'HTTP status', 'No delivery matches'],
  ] as const) {
    await go(to);
    await page.getByText(found).waitFor();
    const field = page.getByLabel(label, { exact: true });
    await field.fill('');
    await page.keyboard.press('Enter');
    await page.getByText(found).waitFor({ state: 'detached' });
    // Elsewhere these lead to the webhooks.
    await page.keyboard.type('gw');
    await focused(field).waitFor();
    await soon(async () => expect(await field.inputValue()).toBe('gw'));
  }
});

it('shows what is asked for by the address, also what it does not offer', async () => {
  const { page, go } = await arrive();
  for (const [to, label] of [
    ['/audit?action=removed', 'Action'],
    ['/events?type=removed', 'Event type'],
    ['/deliveries?errorCode=removed', 'Error'],
  ] as const) {
    await go(to);
    const chosen = page.getByLabel(label, { exact: true });
    await soon(async () => expect(await chosen.inputValue()).toBe('removed'));
  }
});

it('takes what is typed into a search where it is typed', async () => {
  const { page, go } = await arrive();
  for (const [to, label] of [
    ['/event-types', 'Search event types'],
    ['/webhooks?q=none', 'Search by name, URL or id'],
  ] as const) {
    await go(to);
    const field = page.getByLabel(label, { exact: true });
    await field.fill('order');
    await field.press('Home');
    await page.keyboard.type('my');
    await soon(async () => expect(await field.inputValue()).toBe('myorder'));
    await page.waitForURL(/q=myorder$/);
  }
});

it('finds Posthorn’s own events, and their deliveries, by their type', async () => {
  const { client } = await stack.project();
  const { id } = await makeWebhook(client, receiver.url);
  const events = ['email.sent', 'delivery.failed'];
  expect((await client.post(`/v1/webhooks/${id}/test`, { events })).status).toBe(202);
  const page = await open(client.key, 'Deliveries');
  for (const name of ['Deliveries', 'Events']) {
    await link(page, name).click();
    await title(page, name).waitFor();
    await page.getByRole('row', { name: /email\.sent/ }).waitFor();
    await page.getByLabel('Event type').selectOption('delivery.failed');
    await page.getByRole('row', { name: /email\.sent/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /delivery\.failed/ }).waitFor();
  }
});

it('finds pings by their type, where new webhooks are sent one', async () => {
  const { client } = await stack.project({ profile: 'emailsendx' });
  const { id } = await makeWebhook(client, receiver.url);
  await client.post(`/v1/webhooks/${id}/test`, { events: ['email.delivered'] });
  const page = await open(client.key, 'Deliveries');
  for (const name of ['Deliveries', 'Events']) {
    await link(page, name).click();
    await title(page, name).waitFor();
    await page.getByRole('row', { name: /email\.delivered/ }).waitFor();
    await page.getByLabel('Event type').selectOption('ping');
    await page.getByRole('row', { name: /email\.delivered/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /ping/ }).waitFor();
  }
});

it('leaves the focus near a button that goes with what it does', async () => {
  const { page, go } = await arrive();
  for (const [to, at] of [
    ['/deliveries?status=failed', 0],
    ['/audit?action=webhook.created', -1],
  ] as const) {
    await go(to);
    const clear = button(page, 'Clear filters').nth(at);
    await clear.press('Enter');
    await clear.waitFor({ state: 'detached' });
    await page.locator('main :focus').waitFor();
  }
});
