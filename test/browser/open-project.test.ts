import type { Page } from 'playwright-core';
import { expectAccessible, focused, isTold, useChromium } from '../support/chromium';
import { button, link, title, WATCH_MS } from '../support/dashboard';
import { soon } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';
import { useStack } from '../support/use';

const stack = useStack({}, { worker: false });
const { visit } = useChromium();

const choice = (page: Page) => page.getByLabel('Project', { exact: true });
const expectOpen = (page: Page, name: string): Promise<void> =>
  soon(async () => expect(await choice(page).locator('option:checked').textContent()).toBe(name));

let ids: string[];
let page: Page;
beforeEach(async () => {
  const { projects } = (await stack.admin.get('/v1/projects')).body.data as {
    projects: { id: string }[];
  };
  await Promise.all(projects.map(({ id }) => stack.admin.delete(`/v1/projects/${id}`)));
  ids = [];
  for (const name of ['Acme', 'Beta']) ids.push((await stack.project({ name })).id);
  page = await visit(`${stack.url}/dashboard/`, { key: ADMIN_KEY });
  // The latest is the first.
  await expectOpen(page, 'Beta');
});

it('keeps the project of each tab, whatever is chosen in another or made meanwhile', async () => {
  const other = await page.context().newPage();
  await other.goto(page.url());
  await expectOpen(other, 'Beta');
  await choice(other).selectOption({ label: 'Acme' });
  await expectOpen(other, 'Acme');
  await stack.project({ name: 'Gamma' });
  for (const [tab, name] of [
    [page, 'Beta'],
    [other, 'Acme'],
  ] as const) {
    await tab.reload();
    await expectOpen(tab, name);
  }
  const opened = await page.context().newPage();
  await opened.goto(page.url());
  await expectOpen(opened, 'Acme');
});

it('leaves the focus on the choice of projects, so that the keyboard goes on from there', async () => {
  await choice(page).focus();
  await choice(page).selectOption({ label: 'Acme' });
  await expectOpen(page, 'Acme');
  await title(page, 'Overview').waitFor();
  await focused(choice(page)).waitFor();
});

it('keeps what each of two tabs prefers, whichever was opened first', async () => {
  const other = await page.context().newPage();
  await other.goto(page.url());
  await expectOpen(other, 'Beta');
  for (const [tab, name] of [
    [page, 'Dark'],
    [other, 'UTC'],
  ] as const) {
    await button(tab, 'Admin key').click();
    await tab.getByRole('menuitemradio', { name }).click();
    await tab.getByRole('menuitemradio', { name, checked: true }).waitFor();
  }
  await page.reload();
  await expectOpen(page, 'Beta');
  await page.locator('html[data-theme="dark"]').waitFor();
});

it('leaves a project that somebody else deletes for the overview of another, and says so', async () => {
  await page.clock.install();
  await link(page, 'Project settings').click();
  await title(page, 'Project settings').waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await title(other, 'Project settings').waitFor();
  const leaves = async (tab: Page): Promise<void> => {
    await isTold(tab, 'The project was deleted');
    await title(tab, 'Overview').waitFor();
    await expectOpen(tab, 'Acme');
  };
  await stack.admin.delete(`/v1/projects/${ids[1]}`);
  // Of both tabs.
  await page.clock.fastForward(WATCH_MS);
  for (const tab of [page, other]) await leaves(tab);
  await expectAccessible(page);
  // Also one that was deleted while nobody had it open.
  await link(page, 'Audit log').click();
  await title(page, 'Audit log').waitFor();
  const address = page.url();
  await page.goto('about:blank');
  await other.close();
  await stack.admin.delete(`/v1/projects/${ids[0]}`);
  await stack.project({ name: 'Gamma' });
  await page.goto(address);
  await isTold(page, 'The project was deleted');
  await title(page, 'Overview').waitFor();
  await expectOpen(page, 'Gamma');
});
