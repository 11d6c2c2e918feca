import type { FrameLocator, Locator, Page, Route } from 'playwright-core';
import type { ApiClient } from './api-client';
import { expectAccessible, NARROW, useChromium } from './chromium';
import { makeWebhook } from './deliveries';
import type { Receiver } from './receiver';
import type { Stack } from './stack';
import { useReceiver, useStack } from './use';

/** Milliseconds after which most pages have looked again at what they show. */
export const WATCH_MS = 5_000;

/** A tag, and a mark that turns the direction of what follows. */
export const HOSTILE = '<img src=x onerror="document.title=\'owned\'">\u202Egnp.exe';

const SCHEMA = {
  type: 'object',
  properties: { orderId: { type: 'string' }, total: { type: 'number' } },
  required: ['orderId', 'total'],
};
export const SAMPLE = { orderId: 'ord_1', total: 49.9 };

/** A project of its own event types, and a webhook for all events, with names that nobody should trust. */
export async function hostileProject(
  stack: Stack,
  url: string,
): Promise<{ projectId: string; client: ApiClient; webhookId: string }> {
  const { id, client } = await stack.project({ name: HOSTILE, profile: 'custom' });
  const definition = { description: `Paid. ${HOSTILE}`, schema: SCHEMA, sample: SAMPLE };
  await client.send('PUT', '/v1/event-types/order.paid', definition);
  const { id: webhookId } = await makeWebhook(client, url, { name: HOSTILE });
  return { projectId: id, client, webhookId };
}

/** An event that is accepted, and its id. */
export const postOrder = async (client: ApiClient): Promise<string> =>
  (await client.post('/v1/events', { type: 'order.paid', data: SAMPLE })).body.data.id as string;

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
export const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true });
/** The whole title: that of the page before may contain it. */
export const title = (within: Page | FrameLocator, name: string): Locator =>
  within.locator('h1').getByText(name, { exact: true });
/** Marks the titles of the page that is there, so that those of the next one can be waited for. */
export const leaving = (page: Page): Promise<void> =>
  page.locator('h1, h2').evaluateAll('(all) => all.forEach((one) => (one.dataset.left = ""))');
export const inDialog = (page: Page, name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });

/** Longer than what is shown counts as new. */
const STALE_MS = 11_000;

/** By its clock, which must be installed: somebody comes back from another tab, and the page looks again. */
export async function comeBack(page: Page): Promise<void> {
  await page.clock.fastForward(STALE_MS);
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
}

export const answerTooSlow = (route: Route): Promise<void> => {
  const error = { code: 'too_slow', message: 'took too long', requestId: 'req_1' };
  return route.fulfill({ status: 503, json: { success: false, error } });
};

const NAVIGATION = {
  Webhooks: '/webhooks',
  Deliveries: '/deliveries',
  Events: '/events',
  'Event types': '/event-types',
  Replays: '/replays',
  'API keys': '/keys',
  'Audit log': '/audit',
  'Project settings': '/settings',
};

/** A stack with its dashboard in a browser, and a receiver, for all tests of a file. */
export function useDashboard(): {
  stack: Stack;
  receiver: Receiver;
  /** That page of the dashboard, signed in with that key, or before anybody signs in. */
  visit: (key?: string, path?: string) => Promise<Page>;
  /** That page of the navigation, once it is there. */
  open: (key: string, name: keyof typeof NAVIGATION) => Promise<Page>;
} {
  const receiver = useReceiver();
  const stack = useStack();
  const chromium = useChromium();
  const visit = (key?: string, path = '/'): Promise<Page> =>
    chromium.visit(`${stack.url}/dashboard/#${path}`, { ...(key !== undefined && { key }) });
  return {
    stack,
    receiver,
    visit,
    open: async (key, name) => {
      const page = await visit(key, NAVIGATION[name]);
      await title(page, name).waitFor();
      return page;
    },
  };
}

/** axe in both themes, and nothing beyond the side at 380 px; pictures for people go into `SCREENSHOTS`. */
export async function look(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  const shoot = async (as: string): Promise<void> => {
    if (folder) await page.screenshot({ path: `${folder}/${name}-${as}.png` });
  };
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.locator(`html[data-theme="${theme}"]`).waitFor();
    await expectAccessible(page);
    await shoot(theme);
  }
  const wide = page.viewportSize()!;
  await page.setViewportSize(NARROW);
  const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate<number>(overhang)).toBe(0);
  await shoot('narrow');
  await page.setViewportSize(wide);
}
