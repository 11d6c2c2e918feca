import type { Page } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { signIn } from '../support/chromium';
import { button, link, useDashboard } from '../support/dashboard';

const { receiver, stack, visit } = useDashboard();

const SCHEMA = { type: 'object', properties: { total: { type: 'number' } } };
/** None of these numbers survives `JSON.parse`. */
const SAMPLE = '{"total":12345678901234567890,"price":10.00}';

const definition = (sample: string, description = 'A test.'): string =>
  `{"description":${JSON.stringify(description)},"schema":${JSON.stringify(SCHEMA)},"sample":${sample}}`;

/** A project with the types `order.paid` and `order.sent`, whose owner is signed in. */
async function arrive(): Promise<{ page: Page; client: ApiClient; go: (to: string) => unknown }> {
  const { client } = await stack.project({ profile: 'custom' });
  await client.send('PUT', '/v1/event-types/order.paid', definition(SAMPLE));
  await client.send('PUT', '/v1/event-types/order.sent', definition('{"total":1}', 'Was sent.'));
  const page = await visit();
  await signIn(page, client.key);
  return { page, client, go: (to) => page.goto(`${stack.url}/dashboard/#${to}`) };
}

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });

/** The text of all event types, in which numbers are as they are stored. */
async function storedTypes(client: ApiClient): Promise<string> {
  const headers = { authorization: `Bearer ${client.key}` };
  return (await fetch(`${client.url}/v1/event-types`, { headers })).text();
}

it('keeps each number of a sample as it was written, and shows those of another one', async () => {
  const { page, client, go } = await arrive();
  await go('/event-types/order.paid');
  await page.getByText('"total": 12345678901234567890').waitFor();
  await link(page, 'Edit').click();
  await field(page, 'Description').fill('It was paid.');
  await button(page, 'Save event type').click();
  await page.getByText('It was paid.').waitFor();
  const saved = await storedTypes(client);
  for (const number of ['12345678901234567890', '10.00']) expect(saved).toContain(number);
  await link(page, 'Edit').click();
  await field(page, 'Sample (JSON)').fill(SAMPLE.replaceAll('0', '1'));
  await button(page, 'Save event type').click();
  await page.getByText('"total": 12345678911234567891').waitFor();
});

it('judges a filter by each number as it is written, and refuses one that would be rounded', async () => {
  const { page, client, go } = await arrive();
  await client.post('/v1/events', '{"type":"order.paid","data":{"total":9007199254740993}}');
  await go('/webhooks/new');
  for (const [filter, said] of [
    ['{ "data.total": 9007199254740992 }', '0 of the last 1 events'],
    ['{ "data.total": { "$gt": 9007199254740992 } }', '1 of the last 1 events'],
    ['{ "data.total": 9007199254740993 }', 'would be rounded to 9007199254740992'],
    ['{ "data.total": 1, "data.total": 2 }', 'data.total is given twice'],
  ] as const) {
    await page.getByLabel('Query').fill(filter);
    await page.getByText(said).waitFor();
  }
  await field(page, 'Name').fill('Orders');
  await field(page, 'URL').fill(receiver.url);
  await page.getByLabel('Query').fill('{ "data.total": 9007199254740993 }');
  await page.getByLabel('Attempts per second').fill('1e999');
  await button(page, 'Create webhook').click();
  await page.getByText('Enter a number.').waitFor();
  expect((await client.get('/v1/webhooks')).body.data.webhooks).toEqual([]);
});
