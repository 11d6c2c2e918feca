import type { Page } from 'playwright-core';
import { button, useDashboard } from '../support/dashboard';
import { soon } from '../support/eventually';

const { stack, open } = useDashboard();

/** The log of a new project, as its owner sees it. */
async function arrive(): Promise<{ page: Page; go: (to: string) => Promise<unknown> }> {
  const { client } = await stack.project();
  const page = await open(client.key, 'Deliveries');
  return { page };
}

const filtersIn = (page: Page): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(page.url().split('?')[1]));

it('applies each of the filters that are changed in one gesture', async () => {
  const { page } = await arrive();
  const [failed, skipped] = [button(page, 'Failed'), button(page, 'Skipped')];
  // As on a busy machine: the page has shown nothing between the two.
  await page.getByLabel('HTTP status').fill('5xx');
  await page.getByLabel('HTTP status').evaluate(
    (field, chip) => {
      field.blur();
      chip?.dispatchEvent(new Event('click', { bubbles: true }));
    },
    await failed.elementHandle(),
  );
  await soon(async () => expect(filtersIn(page)).toEqual({ statusCode: '5xx', status: 'failed' }));
  await failed.evaluate(
    (chip, other) => {
      for (const one of [chip, other]) one?.dispatchEvent(new Event('click', { bubbles: true }));
    },
    await skipped.elementHandle(),
  );
  await soon(async () => expect(filtersIn(page)).toEqual({ statusCode: '5xx', status: 'skipped' }));
  await button(page, 'Clear filters').first().click();
  await soon(async () => expect(filtersIn(page)).toEqual({}));
  await soon(async () => expect(await page.getByLabel('HTTP status').inputValue()).toBe(''));
});
