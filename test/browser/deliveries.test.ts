import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import {
  expectAccessible,
  focused,
  goByKeys,
  isTold,
  NARROW,
  useChromium,
  WIDE,
} from '../support/chromium';
import { title, WATCH_MS } from '../support/dashboard';
import { eventually, soon } from '../support/eventually';
import { typing } from '../support/hand';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';
import type { ApiClient } from '../support/api-client';

const stack = useStack();
const receiver = useFreshReceiver();
const { visit } = useChromium();

/** A webhook that gives up after one retry unless told, in a project whose owner is signed in. */
async function arrive(
  look: Parameters<typeof visit>[1] = {},
  { retryDelaysMs = [1000], project = {} } = {},
): Promise<{ page: Page; client: ApiClient }> {
  const { id, client } = await stack.project(project);
  await makeWebhook(client, receiver.url, { name: 'Orders', policy: { retryDelaysMs } });
  const { data } = await stack.admin.typed.createKey({
    path: { projectId: id },
    body: { name: 'browser', role: 'owner' },
  });
  const page = await visit(`${stack.url}/dashboard/`, { ...look, key: data!.data.key });
  return { page, client };
}

const heading = (page: Page, name: string) => title(page, name).waitFor();
const rows = (page: Page) => page.getByRole('grid', { name: 'Deliveries' }).locator('[data-index]');
const go = (page: Page, to: string) => page.goto(`${stack.url}/dashboard/#${to}`);

it('shows why a delivery failed, and replays it once that is repaired, by keyboard alone', async () => {
  receiver.respondWith({ kind: 'answer', status: 503, body: '{"error":"database is down"}' });
  const { page, client } = await arrive();
  await deliveryWith(client, await postEvent(client), { status: 'failed' });

  await goByKeys(page, 'd', 'Deliveries');
  await rows(page).getByText('503', { exact: true }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByText('Not delivered: 503 after 2 attempts').waitFor();
  await page.getByText('"error": "database is down"').waitFor();

  receiver.respondWith(200);
  const replay = page.getByRole('button', { name: 'Replay', exact: true });
  const { press } = typing(page);
  await press(replay);
  await page.getByRole('dialog', { name: 'Replay this delivery?' }).waitFor();
  await press(page.getByRole('button', { name: 'Replay now' }));
  await page.getByRole('heading', { level: 1 }).getByText('Succeeded').waitFor();
  await replay.waitFor();
  await page.getByRole('button', { name: /^Attempt 3/ }).waitFor();
  const request = page.getByRole('tab', { name: 'Request' });
  await press(page.getByRole('tab', { name: 'Response' }));
  await page.keyboard.press('ArrowRight');
  await focused(request).waitFor();
  await page.keyboard.press('Enter');
  await request.and(page.getByRole('tab', { selected: true })).waitFor();
  for (const n of [1, 2]) {
    await press(page.getByRole('button', { name: new RegExp(`^Attempt ${n}`) }));
    await page.getByRole('heading', { name: `Attempt ${n}`, exact: true }).waitFor();
    expect(await request.getAttribute('aria-selected')).toBe('true');
  }
  expect(receiver.requests).toHaveLength(3);
  expect(receiver.requests[2]!.rawBody).toEqual(receiver.requests[0]!.rawBody);

  await press(page.getByRole('button', { name: 'Compare' }));
  const compared = page.getByRole('dialog', { name: 'Compare two attempts' });
  await compared.getByRole('row', { name: /Outcome\s*differs/ }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
});

it('filters by the address, and replays what is selected', async () => {
  receiver.respondWith((_request, n) => (n <= 2 ? 500 : 502));
  const { page, client } = await arrive();
  const ids = [await postEvent(client), await postEvent(client)];
  for (const id of ids) await deliveryWith(client, id, { status: 'failed' });
  await go(page, '/deliveries?status=failed,skipped&statusCode=5xx');
  await heading(page, 'Deliveries');
  await rows(page).nth(1).waitFor();
  await page.getByLabel('HTTP status').fill('404');
  await page.keyboard.press('Enter');
  await page.getByText('No delivery matches').waitFor();
  expect(page.url()).toContain('statusCode=404');
  await page.getByRole('button', { name: 'Clear filters' }).last().click();
  await rows(page).nth(1).waitFor();

  receiver.respondWith(200);
  await page.getByLabel('Select all loaded rows').check();
  await page.getByRole('button', { name: 'Replay 2' }).click();
  await expectAccessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
  await page.getByText('Done: 2 deliveries.').waitFor();
  for (const id of ids) await deliveryWith(client, id, { status: 'succeeded' });
});

it('replays all that failed since one, after counting them', async () => {
  receiver.respondWith(500);
  const { page, client } = await arrive();
  const ids = [await postEvent(client), await postEvent(client)];
  for (const id of ids) await deliveryWith(client, id, { status: 'failed' });
  receiver.respondWith(200);
  await go(page, `/deliveries/${ids[0]}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Replay all that failed since this one' }).click();
  await page.getByText('2 deliveries will be sent again.').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Start the replay' }).click();
  await page.getByRole('link', { name: 'See its progress' }).waitFor();
  for (const id of ids) await deliveryWith(client, id, { status: 'succeeded' });
});

describe('all that match, also what is not loaded', () => {
  const COUNT = 60;
  const RETRIED = 2;
  const LEFT = COUNT - RETRIED;

  it('are exported as NDJSON and CSV, cancelled, and replayed; some of them are retried', async () => {
    receiver.respondWith(500);
    const { page, client } = await arrive(
      {},
      { retryDelaysMs: [3_600_000], project: { dispatch: 'express' } },
    );
    const events = Array.from({ length: COUNT }, () => ({ type: 'email.sent', data: emailSent }));
    await client.post('/v1/events/batch', { events });
    const having = (query: string, count: number): Promise<{ id: string }[]> =>
      eventually(`${count} of ${query}`, async () => {
        const { body } = await client.get(`/v1/deliveries?limit=100&${query}`);
        return body.data.deliveries.length === count && body.data.deliveries;
      });
    await having('status=pending&statusCode=500', COUNT);
    receiver.respondWith(200);

    const bar = page.getByRole('region', { name: 'Selected deliveries' });
    const dialog = page.getByRole('dialog');
    const inBar = (name: string) => bar.getByRole('button', { name, exact: true });
    const inDialog = (name: string) => dialog.getByRole('button', { name, exact: true });
    const selectAll = async (to: string): Promise<void> => {
      // From another page: a list of other filters stays for a moment, with a box of its own.
      await go(page, '/');
      await heading(page, 'Overview');
      await go(page, to);
      await page.getByLabel('Select all loaded rows').check();
      await inBar('Select all that match').click();
      await bar.getByText('All that match are selected').waitFor();
    };
    const exported = async (as: string): Promise<string> => {
      await inBar('Export').click();
      const download = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: as }).click();
      return readFile(await (await download).path(), 'utf8');
    };

    await go(page, '/deliveries?status=pending');
    for (let n = 0; n < RETRIED; n += 1) {
      await page
        .getByLabel(/^Select email.sent/)
        .nth(n)
        .check();
    }
    const chosenHead = (await exported('As CSV')).split('\r\n', 1)[0];
    await inBar(`Retry ${RETRIED} now`).click();
    await inDialog('Retry now').click();
    await dialog.getByText(`Done: ${RETRIED} deliveries.`).waitFor();
    await inDialog('Close').last().click();
    await having('status=succeeded', RETRIED);
    const left = await having('status=pending', LEFT);

    await selectAll('/deliveries?status=pending&statusCode=500');
    await expectAccessible(page);
    const lines = (await exported('As NDJSON')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(left);
    const [head, ...csv] = (await exported('As CSV')).trim().split('\r\n');
    expect(head).toBe(chosenHead);
    const at = head!.split(',').indexOf('id');
    expect(csv.map((line) => line.split(',')[at])).toEqual(left.map(({ id }) => id));

    await inBar('Cancel').click();
    await dialog.getByText('Cancel all waiting ones that match?').waitFor();
    await inDialog('Cancel deliveries').click();
    await dialog.getByText(`Done: ${LEFT} deliveries.`).waitFor();
    await expectAccessible(page);
    await inDialog('Close').last().click();
    await having('status=cancelled', LEFT);

    await selectAll('/deliveries?status=cancelled');
    await inBar('Replay').click();
    await dialog.getByText(`${LEFT} deliveries will be sent again.`).waitFor();
    await page.getByLabel('Deliveries per second').fill('100');
    await inDialog('Start the replay').click();
    await page.getByRole('link', { name: 'See its progress' }).waitFor();
    await having('status=succeeded', COUNT);
  });
});

/** As when somebody looks at another tab: a browser without a window hides none. */
const setHidden = (isHidden: boolean): string => `
  Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));`;

it('shows deliveries as they happen, by the stream, and without it too', async () => {
  const { page, client } = await arrive();
  await title(page, 'Overview').waitFor();
  const stream = page.waitForResponse(/\/v1\/stream/);
  await go(page, '/deliveries');
  expect((await stream).headers()['content-type']).toContain('text/event-stream');
  await page.getByText('No deliveries yet').waitFor();
  await postEvent(client);
  await rows(page).filter({ hasText: 'Succeeded' }).first().waitFor();

  const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('stream'));
  await page.evaluate(setHidden(true));
  await ended;
  const again = page.waitForResponse(/\/v1\/stream/);
  await page.evaluate(setHidden(false));
  await again;

  await page.route(/\/v1\/stream/, (route) => route.abort());
  await page.clock.install();
  await page.reload();
  await rows(page).first().waitFor();
  await postEvent(client);
  await eventually('the log looks again, and shows it', async () => {
    await page.clock.fastForward(WATCH_MS);
    return (await rows(page).filter({ hasText: 'Succeeded' }).count()) > 1;
  });
});

const HOSTILE = `<script>document.title = "owned"</script>\u202Egnp.exe\u0007\u001B[31m${'x'.repeat(16 * 1024)}`;

describe.each(['light', 'dark'] as const)('in %s', (theme) => {
  it('shows a hostile answer as it is, and nothing else of it', async () => {
    receiver.respondWith({
      kind: 'answer',
      status: 500,
      headers: { 'content-type': 'text/html', 'x-hostile': '<img src=x>' },
      body: HOSTILE,
    });
    const { page, client } = await arrive({ theme });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed' });
    await go(page, `/deliveries/${id}`);
    const shown = page.getByRole('region', { name: 'Response body' });
    const text = await shown.textContent();
    expect(text).toMatch(/^<script>document.title = "owned"<\/script>⟨U\+202E⟩gnp\.exe␇␛\[31mx+$/);
    await page.getByText('The response was longer; only the beginning is stored.').waitFor();
    expect(await page.locator('main script, main img').count()).toBe(0);
    await soon(async () => expect(await page.title()).toBe('email.sent · Posthorn'));
    for (const viewport of theme === 'light' ? [WIDE] : [WIDE, NARROW]) {
      await page.setViewportSize(viewport);
      await expectAccessible(page);
      await go(page, '/deliveries');
      await rows(page).first().waitFor();
      await page.getByLabel(/^Select email.sent/).check();
      await expectAccessible(page);
      await go(page, '/');
      // What was seen when signing in is still new enough to be shown.
      await page.reload();
      await heading(page, 'Overview');
      await page.getByText('1 webhook needs attention').waitFor();
      await expectAccessible(page);
      // A month is shown by the day.
      await page.getByLabel('Time range').selectOption({ label: 'Last 30 days' });
      const attempts = page.getByRole('img', { name: /^Attempts over time: 0 succeeded, [1-9]/ });
      await attempts.locator('g').nth(30).waitFor({ state: 'attached' });
      await soon(async () => expect(await attempts.locator('g').count()).toBe(31));
      await go(page, `/deliveries/${id}`);
      await shown.waitFor();
    }
  });
});

it('tells why a delivery waits, and copies it as curl without its secret', async () => {
  receiver.respondWith(503);
  // The other webhook's delivery stays in the list too: no row moves while one is clicked.
  const { page, client } = await arrive({}, { retryDelaysMs: [3_600_000] });
  const { secret } = await makeWebhook(client, receiver.url, {
    name: 'Patient',
    headers: { Authorization: 'Bearer hidden' },
  });
  await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  await go(page, '/deliveries?status=pending');
  await rows(page).getByText('Patient').click();
  await page.getByText(/^Attempt 2 in \d+:\d\d$/).waitFor();
  await page.getByText('Attempt 4 15 min later, if that fails').waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Copy as curl' }).click();
  await isTold(page, 'Copied: Copy as curl');
  const curl = await page.evaluate<string>('navigator.clipboard.readText()');
  expect(curl).toContain(`--data-raw '${receiver.requests.at(-1)!.rawBody.toString()}'`);
  expect(curl).toContain(receiver.url);
  expect(curl).not.toContain(secret);
  expect(curl).not.toContain('hidden');
  await page.getByRole('button', { name: 'Copy Event: evt_' }).click();
  await soon(async () =>
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^evt_[\da-f]{32}$/),
  );
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel the delivery' }).click();
  await page.getByRole('heading', { level: 1 }).getByText('Cancelled').waitFor();
});
