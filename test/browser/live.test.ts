import { signIn } from '../support/chromium';
import { link, useDashboard } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { EventStream } from '../support/event-stream';
import { insertDeliveries } from '../integration/api/insert';

const { receiver, stack, visit, open } = useDashboard();

/** More than a page of the list. */
const COUNT = 60;
/** Longer than the log waits between two looks. */
const PAUSE_MS = 3_000;

it('the log shows what has changed though more changes while each of its pages is loaded', async () => {
  const { id: projectId, client } = await stack.project();
  const { id: webhookId } = await makeWebhook(client, receiver.url);
  const former = { projectId, webhookId, status: 'cancelled' as const };
  await insertDeliveries(
    stack,
    Array.from({ length: COUNT }, () => former),
  );
  const deliver = async (): Promise<unknown> =>
    deliveryWith(client, await postEvent(client), { status: 'succeeded' });
  const page = await open(client.key, 'Deliveries');
  await page
    .getByRole('row', { name: /Cancelled/ })
    .first()
    .waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('End');
  await page.getByText(`All ${COUNT} rows`).waitFor();
  await page.keyboard.press('Home');
  const over = new AbortController();
  await page.route(/\/v1\/deliveries\?.*cursor=/, async (route) => {
    const until = performance.now() + PAUSE_MS;
    do await deliver();
    while (performance.now() < until && !over.signal.aborted);
    await route.continue();
  });
  try {
    await deliver();
    await page
      .getByRole('row', { name: /Succeeded/ })
      .first()
      .waitFor();
  } finally {
    over.abort();
    await page.unrouteAll({ behavior: 'wait' });
  }
});

it('the log shows what changed after it was read and before it was there', async () => {
  const { client } = await stack.project();
  await makeWebhook(client, receiver.url);
  const authorization = `Bearer ${client.key}`;
  const told = await EventStream.open(stack.url, { authorization });
  const page = await visit();
  await page.clock.install();
  await signIn(page, client.key);
  const stream = page.waitForResponse(/\/v1\/stream/);
  await page.route(
    /\/v1\/deliveries\?/,
    async (route) => {
      const response = await route.fetch();
      await stream;
      const id = await postEvent(client);
      await told.next('delivery', ({ data }) => data.id === id && data.status === 'succeeded');
      await page.clock.fastForward(PAUSE_MS);
      await route.fulfill({ response });
    },
    { times: 1 },
  );
  await link(page, 'Deliveries').click();
  await page.getByRole('row', { name: /Succeeded/ }).waitFor();
  told.close();
});
