import type { ApiClient } from '../support/api-client';
import {
  button,
  hostileProject,
  link,
  look,
  postOrder,
  title,
  useDashboard,
} from '../support/dashboard';
import { eventually, soon } from '../support/eventually';

const { receiver, stack, open } = useDashboard();

let client: ApiClient;
let reader: ApiClient;

/** Three events that were delivered, one without its payload, and a bulk replay that was cancelled. */
beforeAll(async () => {
  const { projectId, ...made } = await hostileProject(stack, receiver.url);
  client = made.client;
  reader = await stack.client(projectId, 'reader');
  await client.post(`/v1/projects/${projectId}/keys`, { name: 'Another', role: 'reader' });
  const deleted = await postOrder(client);
  await client.delete(`/v1/events/${deleted}`);
  for (let count = 0; count < 3; count += 1) await postOrder(client);
  await eventually('they are delivered', async () => {
    const { body } = await client.get('/v1/deliveries?status=succeeded');
    const { deliveries } = body.data as { deliveries: { eventId: string }[] };
    // The first one's may have been delivered before.
    return deliveries.filter(({ eventId }) => eventId !== deleted).length === 3;
  });
  const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
  const begun = await client.post('/v1/replays', {
    ...range,
    statuses: ['succeeded'],
    ratePerSecond: 0.1,
  });
  await client.post(`/v1/replays/${begun.body.data.id}/cancel`);
});

it('offers a reader nothing that would be refused', async () => {
  const page = await open(reader.key, 'Events');
  await page.getByRole('row', { name: /Payload deleted/ }).waitFor();
  expect(await button(page, 'Send event').count()).toBe(0);
  await page.getByLabel('Search events').fill('data.orderId = ord_1');
  await page.keyboard.press('Enter');
  await page.getByText('Looked at all events since').waitFor();
  const found = page.getByRole('row', { name: /order\.paid/ });
  await soon(async () => expect(await found.count()).toBe(3));
  await look(page, 'events-found');
  await found.first().press('Enter');
  await title(page, 'order.paid').waitFor();
  expect(await button(page, 'Delete payload').count()).toBe(0);
  await link(page, 'Event types').click();
  await link(page, 'order.paid').click();
  await page.getByRole('region', { name: 'Schema' }).waitFor();
  expect(await button(page, 'Delete').count()).toBe(0);
  expect(await link(page, 'Edit').count()).toBe(0);
  await link(page, 'Replays').click();
  await page.getByRole('row', { name: /Cancelled/ }).waitFor();
  expect(await link(page, 'New replay').count()).toBe(0);
  await link(page, 'API keys').click();
  await page.getByText('Only owners see keys').waitFor();
  expect(await button(page, 'Create key').count()).toBe(0);
  await look(page, 'keys-reader');
  await link(page, 'Audit log').click();
  await page
    .getByRole('row', { name: /Key created/ })
    .first()
    .waitFor();
});
