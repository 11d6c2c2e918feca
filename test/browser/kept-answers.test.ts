import { signIn } from '../support/chromium';
import { link, title, useDashboard } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';

const { receiver, stack, visit } = useDashboard();

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
  await page.clock.fastForward('10:00');
  // Not answered any more: whatever is shown was kept.
  await page.route(/\/v1\/stats\?/, () => undefined);
  await link(page, 'Overview').click();
  await page.locator('main').getByRole('status', { name: 'Loading' }).waitFor();
});
