import { answerTooSlow, title, useDashboard, WATCH_MS } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';

const { receiver, stack, open } = useDashboard();

it('says of a payload and its answers whether they were deleted, or could not be loaded', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url);
  const id = await postEvent(client);
  const { eventId } = await deliveryWith(client, id, { status: 'succeeded' });
  const page = await open(client.key, 'Deliveries');
  await page.clock.install();
  const event = `**/v1/events/${eventId}`;
  const body = page.getByRole('region', { name: 'Request body' });
  const deleted = page.getByText('The payload was deleted.');
  const showRequest = () => page.getByRole('tab', { name: 'Request' }).click();

  await page.route(event, answerTooSlow);
  await page.goto(`${stack.url}/dashboard/#/deliveries/${id}`);
  await title(page, 'email.sent').waitFor();
  await showRequest();
  await page.getByText('The database took too long').waitFor();
  expect(await deleted.count()).toBe(0);
  await page.unroute(event);
  await page.getByRole('button', { name: 'Try again' }).click();
  await body.waitFor();

  await page.route(event, answerTooSlow);
  await page.clock.fastForward(WATCH_MS);
  await page.getByRole('status').filter({ hasText: 'may be out of date' }).waitFor();
  await body.waitFor();
  expect(await deleted.count()).toBe(0);
  await page.unroute(event);

  await client.delete(`/v1/events/${eventId}`);
  await page.reload();
  await page.getByText('The response was deleted with the payload.').waitFor();
  await showRequest();
  await deleted.waitFor();
});
