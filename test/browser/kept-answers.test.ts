import { signIn } from '../support/chromium';
import { link, title, useDashboard } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { insertDeliveries } from '../integration/api/insert';

const { receiver, stack, visit, open } = useDashboard();

it('shows nothing of long ago when a page is visited again', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url);
  await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
  const page = await visit();
  await page.clock.install();
  await signIn(page, client.key);
  await page.getByText('All is well').waitFor();
  await link(page, 'Webhooks').click();
  await title(page, 'Webhooks').waitFor();
  await page.getByRole('article').waitFor();
  await page.clock.fastForward('10:00');
  // Not answered any more: whatever is shown was kept.
  await page.route(/\/v1\/stats\?/, () => undefined);
  await link(page, 'Overview').click();
  await title(page, 'Overview').waitFor();
  await page.locator('main').getByRole('status', { name: 'Loading' }).waitFor();
});

it('shows all rows of a time range again on the way back to them', async () => {
  const { id: projectId, client } = await stack.project();
  const rows = Array.from({ length: 60 }, () => ({ projectId }));
  await insertDeliveries(stack, rows);
  const page = await open(client.key, 'Webhooks');
  await page.goto(`${stack.url}/dashboard/#/deliveries?range=24h`);
  await page.getByText('Load more').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('End');
  await page.getByText('All 60 rows').waitFor();
  await page.keyboard.press('Enter');
  await title(page, 'email.sent').waitFor();
  await page.route(/\/v1\/deliveries\?/, () => undefined);
  await page.goBack();
  await page.getByText('All 60 rows').waitFor();
});
