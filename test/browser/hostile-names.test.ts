import type { Page } from 'playwright-core';
import { signIn, useChromium } from '../support/chromium';
import { HOSTILE, hostileProject, leaving, postOrder } from '../support/dashboard';
import { eventually } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';
import { useReceiver, useStack } from '../support/use';

const receiver = useReceiver();
const stack = useStack();
const { visit } = useChromium();

describe('hostile names of a project, a webhook and a key, and a hostile description', () => {
  /** Texts in which a mark turns the direction of what is around them. */
  const TURNING = `(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode;
      const isApart = parentElement.closest('bdi, option, textarea') !== null;
      const isEnclosed = /\u2068[^\u2069]*\u202E[^\u2069]*\u2069/.test(data);
      if (data.includes('\u202E') && !isApart && !isEnclosed) found.push(data);
    }
    return found;
  })()`;

  /** What the page takes for more than text, with where that is. */
  async function alive(page: Page, where: string): Promise<string[]> {
    const turning = await page.evaluate<string[]>(TURNING);
    const images = await page.locator('img[src="x"]').count();
    const isOwned = (await page.title()) === 'owned';
    return [...turning, ...(images > 0 || isOwned ? ['<img>'] : [])].map((what) => where + what);
  }

  it('are text on every page, and turn nothing around them', async () => {
    const { client, projectId, webhookId } = await hostileProject(stack, receiver.url);
    await postOrder(client);
    const range = { since: '2026-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' };
    await client.post('/v1/replays', range);
    await client.post(`/v1/projects/${projectId}/keys`, { name: HOSTILE, role: 'reader' });
    const { id, eventId } = await eventually('it is fanned out', async () => {
      const { body } = await client.get('/v1/deliveries');
      return body.data.deliveries[0];
    });
    const { replays } = (await client.get('/v1/replays')).body.data;
    const admin = await visit(`${stack.url}/dashboard/`);
    await signIn(admin, ADMIN_KEY);
    const found = await alive(admin, 'all projects: ');
    const page = await visit(`${stack.url}/dashboard/`);
    await signIn(page, client.key);
    const shown = page.getByText('gnp.exe').filter({ visible: true }).first();
    for (const to of [
      '/webhooks',
      `/webhooks/${webhookId}`,
      `/webhooks/${webhookId}/edit`,
      '/deliveries',
      `/deliveries/${id}`,
      `/events/${eventId}`,
      '/event-types',
      '/event-types/order.paid',
      '/replays',
      `/replays/${replays[0].id}`,
      '/keys',
      '/audit',
      '/settings',
      '/',
    ]) {
      await leaving(page);
      await page.goto(`${stack.url}/dashboard/#${to}`);
      await page.locator('h1:not([data-left])').waitFor();
      await page.locator('[class*="skeleton"]').first().waitFor({ state: 'detached' });
      found.push(...(await alive(page, `${to}: `)));
    }
    await page.goto(`${stack.url}/dashboard/#/webhooks/${webhookId}`);
    for (const item of [
      'Send test event',
      'Reveal secret',
      'Rotate secret',
      'Pause',
      'Disable',
      'Delete',
    ]) {
      await page.getByRole('button', { name: /^More actions for/ }).click();
      await page.getByRole('menuitem', { name: item, exact: true }).click();
      await page.getByRole('dialog').waitFor();
      await shown.waitFor();
      found.push(...(await alive(page, `${item}: `)));
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    expect(found).toEqual([]);
  });
});
