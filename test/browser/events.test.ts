import type { Locator, Route } from 'playwright-core';
import { MINUTE_MS } from '../../src/domain/durations';
import { eventually, soon } from '../support/eventually';
import { readFile } from 'node:fs/promises';
import type { ApiClient } from '../support/api-client';
import { focused, WITHOUT_RAW_JSON } from '../support/chromium';
import {
  button,
  comeBack,
  HOSTILE,
  hostileProject,
  inDialog,
  link,
  look,
  postOrder,
  title,
  useDashboard,
} from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';

const { receiver, stack, open } = useDashboard();

const DEFINITION = { description: 'A test.', schema: { type: 'object' }, sample: {} };

interface EventOf {
  type: string;
  id: string;
}

let client: ApiClient;
beforeAll(async () => {
  ({ client } = await hostileProject(stack, receiver.url));
});

it('sends an event by hand, shows what became of it, and deletes its payload', async () => {
  const page = await open(client.key, 'Events');
  await page.getByText('No events yet').waitFor();
  await button(page, 'Send event').first().click();
  const data = page.getByLabel('Data (JSON)');
  await data.fill('{"orderId":');
  await inDialog(page, 'Send event').click();
  await page.getByText('Not valid JSON').waitFor();
  await focused(data).waitFor();
  await data.fill('{"orderId": 7, "total": 1}');
  await inDialog(page, 'Send event').click();
  await page.getByText('data.orderId must be a string').waitFor();
  await look(page, 'event-send');
  // A number that JavaScript would round, and what would be a tag if it were not text.
  await data.fill(`{"orderId": ${JSON.stringify(HOSTILE)}, "total": 12345678901234567890}`);
  await inDialog(page, 'Send event').click();
  await title(page, 'order.paid').waitFor();
  await page.getByText('Succeeded').waitFor();
  const payload = await page.getByRole('region', { name: 'Payload' }).textContent();
  expect(payload).toContain('<img src=x');
  expect(payload).toContain('\\u202egnp.exe');
  expect(payload).toContain('12345678901234567890');
  const [request] = await receiver.waitFor(1);
  expect(request!.rawBody.toString()).toContain('12345678901234567890');
  await soon(async () => expect(await page.title()).toBe('order.paid · Posthorn'));
  await look(page, 'event');
  await button(page, 'Delete payload').click();
  await page.getByText('What remains').waitFor();
  await look(page, 'event-expunge');
  await inDialog(page, 'Delete payload').click();
  await page.getByText('The payload of this event was deleted').waitFor();
  await link(page, 'Events').first().click();
  await page.getByRole('row', { name: /order\.paid.*Payload deleted/ }).waitFor();
  await page.getByLabel('Time range').selectOption('24h');
  await page.waitForURL(/period=24h/);
  await page.getByRole('row', { name: /order\.paid/ }).waitFor();
  await look(page, 'events');
  await button(page, 'Export').click();
  const file = page.waitForEvent('download');
  const exports: Route[] = [];
  await page.route('**/v1/events/export?*', (route) => void exports.push(route));
  const asCsv = page.getByRole('menuitem', { name: 'As CSV' });
  await asCsv.click();
  const exported = await eventually('it is being exported', () => exports[0]);
  await button(page, 'Exporting…').click();
  await asCsv.and(page.getByRole('menuitem', { disabled: true })).waitFor();
  await exported.continue();
  const saved = await readFile(await (await file).path(), 'utf8');
  expect(saved.trim().split('\r\n')).toHaveLength(2);
});

it('exports by a link of the page, to a file that can be read for a minute', async () => {
  await postOrder(client);
  const page = await open(client.key, 'Events');
  await page.clock.install();
  await page.evaluate(`{
    const { click } = HTMLAnchorElement.prototype;
    const { revokeObjectURL } = URL;
    window.seen = { isRevoked: false };
    HTMLAnchorElement.prototype.click = function () {
      window.seen.isInPage = this.isConnected;
      click.call(this);
      queueMicrotask(() => (window.seen.isRevokedAtOnce = window.seen.isRevoked));
    };
    URL.revokeObjectURL = (url) => {
      window.seen.isRevoked = true;
      revokeObjectURL.call(URL, url);
    };
  }`);
  await button(page, 'Export').click();
  const file = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'As CSV' }).click();
  await file;
  expect(await page.evaluate('window.seen')).toMatchObject({
    isInPage: true,
    isRevokedAtOnce: false,
  });
  await eventually('the memory is free again', async () => {
    await page.clock.fastForward(MINUTE_MS);
    return page.evaluate('window.seen.isRevoked');
  });
});

it('sends an event once, though its answer was lost and it is sent again', async () => {
  const page = await open(client.key, 'Events');
  await button(page, 'Send event').first().click();
  await page.getByLabel('Data (JSON)').fill('{"orderId": "ord_lost", "total": 1}');
  await page.route(
    '**/v1/events',
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await inDialog(page, 'Send event').click();
  await page.getByText('Posthorn does not answer').waitFor();
  await inDialog(page, 'Send event').click();
  await title(page, 'order.paid').waitFor();
  const { results } = (await client.get('/v1/search?q=data.orderId%20%3D%20ord_lost')).body.data;
  expect(results).toHaveLength(1);
  // Nor is the way back one to send it again.
  await page.goBack();
  await title(page, 'Events').waitFor();
  expect(await page.getByRole('dialog').count()).toBe(0);
});

it('keeps the type of what is being written when others are defined or deleted meanwhile', async () => {
  const { client: other } = await stack.project({ profile: 'custom' });
  const define = (type: string) => other.send('PUT', `/v1/event-types/${type}`, DEFINITION);
  await define('order.paid');
  await makeWebhook(other, receiver.url, { name: 'Orders' });
  const page = await open(other.key, 'Events');
  await page.clock.install();
  /** Until it is shown that a type was defined or deleted in another tab. */
  const isShown = (listed: Locator, count = 1): Promise<true> =>
    eventually('it is shown', async () => {
      await comeBack(page);
      return (await listed.count()) === count;
    });
  const dialog = page.getByRole('dialog');
  await button(page, 'Send event').first().click();
  await dialog.getByLabel('Data (JSON)').fill('{"total": 1}');
  await define('order.sent');
  const type = dialog.getByLabel('Type', { exact: true });
  await isShown(type.getByRole('option', { name: 'order.sent' }));
  expect(await type.inputValue()).toBe('order.paid');
  await inDialog(page, 'Send event').click();
  await title(page, 'order.paid').waitFor();

  await link(page, 'Webhooks').click();
  await button(page, 'More actions for Orders').click();
  await page.getByRole('menuitem', { name: 'Send test event' }).click();
  await dialog.getByLabel('Data of order.sent (JSON)').fill('{"total": 2}');
  await define('order.lost');
  const lost = dialog.getByRole('checkbox', { name: 'order.lost' });
  await isShown(lost);
  await lost.check();
  await inDialog(page, 'Send 2 test events').waitFor();
  await other.delete('/v1/event-types/order.lost');
  await isShown(lost, 0);
  await inDialog(page, 'Send 1 test event').click();
  await dialog.getByText('Answered 200').waitFor();
  const bodies = receiver.requests.map(({ rawBody }) => rawBody.toString());
  expect(bodies.filter((body) => body.includes('{"total": 2}'))).toHaveLength(1);
});

it('sends an event again as it was sent, though it is too large when indented', async () => {
  const deep = '['.repeat(90) + ']'.repeat(90);
  const data = `{ "total": 12345678901234567890, "10": 1.50, "orderId": "ord_again\u200b", "deep": [${Array(20).fill(deep).join()}] }`;
  const { body } = await client.post('/v1/events', `{"type":"order.paid","data":${data}}`);
  const page = await open(client.key, 'Events');
  await page.addInitScript(WITHOUT_RAW_JSON);
  await page.goto(`${stack.url}/dashboard/#/events/${body.data.id}`);
  await page.reload();
  const parts = ['12345678901234567890', '1.50', 'ord_again\\u200b'];
  const hasAll = (read: () => Promise<string | null>): Promise<void> =>
    soon(async () => {
      const text = await read();
      expect(parts.filter((part) => text?.includes(part))).toEqual(parts);
    });
  const payload = page.getByRole('region', { name: 'Payload' });
  await hasAll(() => payload.textContent());
  await button(page, 'Send as a new event').click();
  await hasAll(() => page.getByLabel('Data (JSON)').inputValue());
  // It expires meanwhile.
  const error = { code: 'not_found', message: 'not found', requestId: 'req_1' };
  await page.route(`**/v1/events/${body.data.id}`, (route) =>
    route.fulfill({ status: 404, json: { success: false, error } }),
  );
  await title(page, 'Event not found').waitFor();
  await inDialog(page, 'Send event').click();
  const sent = await eventually('it arrives again', () => {
    const bodies = receiver.requests.map(({ rawBody }) => rawBody.toString());
    const found = bodies.filter((text) => text.includes('ord_again'));
    return found.length === 2 && found;
  });
  for (const text of sent) expect(text).toContain(`"data":${data}}`);
});

it('offers to send again only what can be posted', async () => {
  const { client: other } = await stack.project({ profile: 'emailsendx' });
  // It is sent a ping.
  const { id } = await makeWebhook(other, receiver.url);
  const sent = ['email.delivered', 'webhook.disabled'];
  await other.post(`/v1/webhooks/${id}/test`, { events: sent });
  const { events } = (await other.get('/v1/events')).body.data;
  const ids = new Map<string, string>(events.map((one: EventOf) => [one.type, one.id]));
  const page = await open(other.key, 'Events');
  for (const type of [...sent, 'ping']) {
    await page.goto(`${stack.url}/dashboard/#/events/${ids.get(type)}`);
    await title(page, type).waitFor();
    await button(page, 'Delete payload').waitFor();
    const sendAgain = button(page, 'Send as a new event');
    if (type === 'email.delivered') await sendAgain.waitFor();
    else expect(await sendAgain.count()).toBe(0);
  }
});

it('defines, changes and deletes event types where the project has its own', async () => {
  const page = await open(client.key, 'Event types');
  await page.getByRole('row', { name: /order\.paid/ }).waitFor();
  await look(page, 'event-types');
  await link(page, 'Add event type').click();
  await title(page, 'Add event type').waitFor();
  await page.getByLabel('Name').fill('order.paid');
  await button(page, 'Save event type').click();
  await page.getByText('A type with this name already exists').waitFor();
  await page.getByLabel('Name').fill('Order Sent');
  await page.getByLabel('Description').fill('An order was sent.');
  await page.getByLabel('Sample').fill('{"orderId": 1}');
  await button(page, 'Save event type').click();
  await page.getByText('must be words of a-z').waitFor();
  await page.getByLabel('Name').fill('order.sent');
  await button(page, 'Save event type').click();
  await page.getByText(/orderId must be a string/i).waitFor();
  await look(page, 'event-type-new');
  await page.getByLabel('Sample').fill('{"orderId": "ord_1"}');
  await button(page, 'Save event type').click();
  await title(page, 'order.sent').waitFor();
  await look(page, 'event-type');
  await link(page, 'Edit').click();
  await page.getByLabel('Description').fill('It was sent.');
  await button(page, 'Save event type').click();
  await page.getByText('It was sent.').waitFor();
  await button(page, 'Delete').click();
  await inDialog(page, 'Delete event type').click();
  await page.getByRole('row', { name: /order\.paid/ }).waitFor();
  await page.getByRole('row', { name: /order\.sent/ }).waitFor({ state: 'detached' });
});

it('finds none of the event types only when it has looked at all', async () => {
  const { client: other } = await stack.project({ profile: 'custom' });
  const define = (type: string) => other.send('PUT', `/v1/event-types/${type}`, DEFINITION);
  await define('order.oldest');
  // A page of the list.
  await Promise.all(Array.from({ length: 100 }, (_, index) => define(`order.number_${index}`)));
  const page = await open(other.key, 'Webhooks');
  const asked: Route[] = [];
  await page.route('**/v1/event-types?*cursor=*', (route) => void asked.push(route));
  await page.goto(`${stack.url}/dashboard/#/event-types?q=oldest`);
  const rest = await eventually('it asks for the rest', () => asked[0]);
  expect(await page.getByText('No event type matches').count()).toBe(0);
  await rest.continue();
  await page.getByRole('row', { name: /order\.oldest/ }).waitFor();
});

it('says why a profile’s event types can’t be changed, and offers nothing', async () => {
  const { client: other } = await stack.project();
  const page = await open(other.key, 'Event types');
  await page.getByText('These are the types of the project’s profile').waitFor();
  expect(await link(page, 'Add event type').count()).toBe(0);
  await link(page, 'email.delivered').click();
  await page.getByText('belongs to the project’s profile').waitFor();
  expect(await link(page, 'Edit').count()).toBe(0);
});
