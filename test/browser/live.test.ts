import type { Route } from 'playwright-core';
import { expectAccessible, signIn } from '../support/chromium';
import { button, inDialog, link, title, useDashboard } from '../support/dashboard';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { EventStream } from '../support/event-stream';
import { eventually } from '../support/eventually';
import { emailSent } from '../support/samples';
import { ADMIN_KEY } from '../support/stack';
import { MAX_EXAMINED } from '../../src/store/paging';
import { insertDeliveries } from '../integration/api/insert';

const { receiver, stack, visit, open } = useDashboard();

/** More than a page of the list. */
const COUNT = 60;
/** More than is reloaded by itself. */
const LONG = 260;
/** Longer than the log waits between two looks. */
const PAUSE_MS = 3_000;
/** Requests for a page of the log. */
const LOG = /\/v1\/deliveries\?/;

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
  await told.next('ready');
  const page = await visit();
  await page.clock.install();
  await signIn(page, client.key);
  const stream = page.waitForResponse(/\/v1\/stream/);
  await page.route(
    LOG,
    async (route) => {
      const response = await route.fetch();
      await stream;
      const before = told.events.length;
      const id = await postEvent(client);
      await eventually('readers are told of it', () =>
        told.events.slice(before).some(
          ({ event, data }) =>
            (data.id === id && data.status === 'succeeded') ||
            // Instead, where a busy machine has had the stream begin anew.
            event === 'reload',
        ),
      );
      await page.clock.fastForward(PAUSE_MS);
      await route.fulfill({ response });
    },
    { times: 1 },
  );
  await link(page, 'Deliveries').click();
  await page.getByRole('row', { name: /Succeeded/ }).waitFor();
  told.close();
});

it('what is selected stays while newer deliveries push it out of the log, and goes when it matches no more', async () => {
  const { id: projectId, client } = await stack.project();
  const { id: webhookId } = await makeWebhook(client, receiver.url);
  const insert = (status: 'cancelled' | 'succeeded'): Promise<string[]> =>
    insertDeliveries(
      stack,
      Array.from({ length: COUNT }, () => ({ projectId, webhookId, status })),
    );
  const former = await insert('cancelled');
  const page = await open(client.key, 'Deliveries');
  // Whoever marks what a row says, to copy it, stays.
  const attempts = page.locator('[data-index="0"]').getByText('0 attempts');
  await attempts.selectText();
  // As when the mouse is released: with a mouse, a row that moves meanwhile would be missed.
  await attempts.dispatchEvent('click');
  await link(page, 'email.sent').first().waitFor();
  const select = (n: number) => page.getByLabel(/^Select email\.sent/).nth(n);
  const bar = page.getByRole('region', { name: 'Selected deliveries' });
  for (const n of [0, 1]) await select(n).check();
  await bar.getByRole('button', { name: 'Replay 2' }).click();
  const asked = page.getByRole('dialog').getByText('Replay 2 deliveries?');
  await asked.waitFor();
  await insert('succeeded');
  await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
  await page.locator('[data-index="0"]', { hasText: 'Succeeded' }).waitFor();
  await asked.waitFor();
  await inDialog(page, 'Keep them as they are').click();
  await bar.getByText('2 selected').waitFor();
  // Though not all rows are selected: in a busy log there is always a new one.
  await bar.getByRole('button', { name: 'Select all that match' }).click();
  await bar.getByText('All that match are selected').waitFor();

  await page.goto(`${stack.url}/dashboard/#/deliveries?status=cancelled`);
  await page.locator('[data-index="0"]', { hasText: 'Cancelled' }).waitFor();
  await select(0).check();
  await bar.getByText('1 selected').waitFor();
  await stack.store.deliveries.model.updateOne({ _id: former.at(-1) }, { status: 'failed' });
  await bar.waitFor({ state: 'detached' });
});

it('the log does not say that it is live where so much is loaded that it is not', async () => {
  const { id: projectId, client } = await stack.project();
  await insertDeliveries(
    stack,
    Array.from({ length: LONG }, () => ({ projectId })),
  );
  const page = await open(client.key, 'Deliveries');
  await button(page, 'Live').waitFor();
  await page.locator('[data-index="0"]').waitFor();
  await page.keyboard.press('j');
  await eventually('all are loaded', async () => {
    await page.keyboard.press('End');
    return page.getByText(`All ${LONG} rows`).isVisible();
  });
  await button(page, 'Live').waitFor({ state: 'detached' });
  await insertDeliveries(stack, [{ projectId }]);
  await button(page, 'Reload').click();
  await page.getByText(`All ${LONG + 1} rows`).waitFor();
});

it('a list of events says so, too, where so much is loaded that it is not reloaded automatically', async () => {
  const { client } = await stack.project();
  const post = (count: number) => {
    const events = Array.from({ length: count }, () => ({ type: 'email.sent', data: emailSent }));
    return client.post('/v1/events/batch', { events });
  };
  await post(LONG);
  const page = await open(client.key, 'Events');
  await page.locator('[data-index="0"]').waitFor();
  await page.keyboard.press('j');
  await eventually('all are loaded', async () => {
    await page.keyboard.press('End');
    return page.getByText(`All ${LONG} rows`).isVisible();
  });
  await page.getByText('too long to be refreshed automatically').waitFor();
  await expectAccessible(page);
  await post(1);
  await button(page, 'Reload').click();
  await page.getByText(`All ${LONG + 1} rows`).waitFor();
});

it('the log says how far it has looked for what is rare, and looks further when somebody asks', async () => {
  const { id: projectId, client } = await stack.project();
  await makeWebhook(client, receiver.url);
  const answered = (statusCode: number) => ({
    projectId,
    attempts: [
      {
        number: 1,
        runId: 'run',
        startedAt: new Date(),
        durationMs: 1,
        outcome: 'succeeded' as const,
        statusCode,
        requestHeaders: {},
      },
    ],
    attemptCount: 1,
  });
  const usual = (count: number) => Array.from({ length: count }, () => answered(200));
  // The newest are the last: there is none on the first page, one on the second, none on the third.
  await insertDeliveries(stack, [
    answered(202),
    ...usual(MAX_EXAMINED * 2),
    answered(202),
    ...usual(MAX_EXAMINED),
  ]);
  const page = await open(client.key, 'Deliveries');
  const rows = page.getByRole('row', { name: /202/ });
  const goOn = button(page, 'Search further');
  await page.goto(`${stack.url}/dashboard/#/deliveries?statusCode=202`);
  await page.getByText('Nothing was found as far as').waitFor();
  expect(await page.getByText('No delivery matches').count()).toBe(0);
  // Asked for while the log is reloaded.
  let answer!: () => void;
  const isAsked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(LOG, async (route) => {
    await isAsked;
    await route.continue();
  });
  const reload = page.waitForRequest(LOG);
  await postEvent(client);
  await reload;
  await goOn.click();
  answer();
  await page.getByText('Nothing else was found as far as').waitFor();
  expect(await rows.count()).toBe(1);
  await goOn.click();
  await page.getByText('All 2 rows').waitFor();
});

it('the log asks for nothing more of the filters that are chosen while more is waited for', async () => {
  const { id: projectId, client } = await stack.project();
  for (const status of ['failed', 'succeeded'] as const) {
    await insertDeliveries(
      stack,
      Array.from({ length: COUNT }, () => ({ projectId, status })),
    );
  }
  const page = await open(client.key, 'Deliveries');
  const first = (status: string) => page.locator('[data-index="0"]', { hasText: status });
  const failed = button(page, 'Failed');
  await first('Succeeded').waitFor();
  await failed.click();
  await first('Failed').waitFor();
  const more: string[] = [];
  await page.route(/\/v1\/deliveries\?.*cursor=/, (route) => void more.push(route.request().url()));
  await first('Failed').focus();
  await page.keyboard.press('End');
  await eventually('more of them is asked for', () => more[0]);
  await page.evaluate('scrollTo(0, 0)');
  await first('Failed').waitFor();
  await failed.click();
  await first('Succeeded').waitFor();
  await link(page, 'Events').click();
  await title(page, 'Events').waitFor();
  expect(more).toEqual([expect.stringContaining('status=failed')]);
});

it('the log of a project that is left while more of it is waited for asks for nothing more', async () => {
  const { id: projectId } = await stack.project();
  const { id: otherId } = await stack.project();
  await insertDeliveries(
    stack,
    Array.from({ length: COUNT }, () => ({ projectId })),
  );
  await insertDeliveries(stack, [{ projectId: otherId, eventType: 'email.opened' }]);
  const page = await visit(ADMIN_KEY);
  await page.getByLabel('Project').selectOption(projectId);
  await title(page, 'Overview').waitFor();
  await link(page, 'Deliveries').click();
  await page.locator('[data-index="0"]').waitFor();
  const reloads: Route[] = [];
  await page.route(LOG, (route) => void reloads.push(route), { times: 1 });
  await insertDeliveries(stack, [{ projectId }]);
  await eventually('it is reloaded', () => reloads[0]);
  const more: string[] = [];
  page.on('request', (request) => {
    if (/\/v1\/deliveries\?.*cursor=/.test(request.url())) more.push(request.url());
  });
  await button(page, 'Load more').click();
  await page.getByLabel('Project').selectOption(otherId);
  await title(page, 'Overview').waitFor();
  await link(page, 'Deliveries').click();
  await page.getByRole('row', { name: /email\.opened/ }).waitFor();
  expect(more).toEqual([]);
});
