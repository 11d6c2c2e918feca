import type { Page } from 'playwright-core';
import {
  expectAccessible,
  focused,
  goByKeys,
  isTold,
  NARROW,
  signIn,
  useChromium,
} from '../support/chromium';
import { title } from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { soon } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';
import { useStack } from '../support/use';

const stack = useStack({}, { worker: false });
const { visit } = useChromium();

const dashboard = (): string => `${stack.url}/dashboard/`;
const openMenu = (page: Page) => page.getByRole('button', { name: 'Open menu' }).click();

beforeAll(async () => {
  await stack.project({ name: 'Acme newsletters' });
  await stack.project({ name: 'Beta shop', profile: 'custom' });
});

it('refuses a wrong key in words, and signs in with the right one', async () => {
  const page = await visit(dashboard());
  await page.getByLabel('API key').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Enter a key.').waitFor();
  await page.getByLabel('API key').fill('phk_wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This key is unknown').waitFor();
  await expectAccessible(page);
  await signIn(page, ADMIN_KEY);
  await page.reload();
  await title(page, 'Overview').waitFor();
});

it('tells a key of role sender, which may only post events, which keys sign in', async () => {
  const { id } = await stack.project();
  const { data } = await stack.admin.typed.createKey({
    path: { projectId: id },
    body: { name: 'sender', role: 'sender' },
  });
  const page = await visit(dashboard());
  await page.getByLabel('API key').fill(data!.data.key);
  await page.keyboard.press('Enter');
  await page.getByText('Sign in with a key that has the role owner or reader.').waitFor();
});

it('signs in once by a link, whose token leaves the address', async () => {
  const { body } = await stack.admin.post('/v1/sign-in-links');
  const { token } = body.data as { token: string };
  const address = `${dashboard()}#sign-in=${token}`;
  const page = await visit(address);
  await title(page, 'Overview').waitFor();
  expect(page.url()).not.toContain(token);
  const again = await visit(address);
  await again.getByText('This sign-in link has already been used').waitFor();
  const mangled = await visit(`${dashboard()}#sign-in=%`);
  await mangled.getByText('This sign-in link has already been used').waitFor();
});

it('signs in by a link that is opened in a tab that shows the page already', async () => {
  const { body } = await stack.admin.post('/v1/sign-in-links');
  const page = await visit(dashboard());
  await page.getByLabel('API key').waitFor();
  await page.goto(`${dashboard()}#sign-in=${body.data.token}`);
  await title(page, 'Overview').waitFor();
  expect(page.url()).not.toContain('sign-in');
});

it('shows a project’s key its own project only, and the admin a choice', async () => {
  const { id } = await stack.project({ name: 'Gamma' });
  const { data } = await stack.admin.typed.createKey({
    path: { projectId: id },
    body: { name: 'owner', role: 'owner' },
  });
  const owner = await visit(dashboard());
  await signIn(owner, data!.data.key);
  await soon(async () => expect(await owner.getByLabel('Project').count()).toBe(0));
  const admin = await visit(dashboard());
  await signIn(admin, ADMIN_KEY);
  await admin.getByLabel('Project').selectOption({ label: 'Beta shop' });
  await admin.reload();
  await title(admin, 'Overview').waitFor();
  const chosen = admin.getByLabel('Project').locator('option:checked');
  await chosen.filter({ hasText: /^Beta shop$/ }).waitFor({ state: 'attached' });
});

describe.each(['light', 'dark'] as const)('in %s', (theme) => {
  it('each page can be reached, and is accessible, wide and 380 px narrow', async () => {
    const page = await visit(dashboard(), { theme });
    await signIn(page, ADMIN_KEY);
    for (const viewport of [undefined, NARROW]) {
      if (viewport) await page.setViewportSize(viewport);
      for (const name of [
        'Webhooks',
        'Deliveries',
        'Events',
        'Event types',
        'Replays',
        'API keys',
        'Audit log',
        'Project settings',
        'Overview',
      ]) {
        if (viewport) await openMenu(page);
        await page.getByRole('link', { name, exact: true }).click();
        await title(page, name).waitFor();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await expectAccessible(page);
      }
    }
  });
});

it('is used by keyboard: the page’s content, pages, help, and the theme', async () => {
  const page = await visit(dashboard());
  await page.locator('input:focus').waitFor();
  await page.keyboard.insertText(ADMIN_KEY);
  await page.keyboard.press('Enter');
  await title(page, 'Overview').waitFor();
  await goByKeys(page, 'w', 'Webhooks');
  await page.locator('h1:focus', { hasText: 'Webhooks' }).waitFor();
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Admin key' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitemradio', { name: 'Dark' }).waitFor();
  await expectAccessible(page);
  await page.getByRole('menuitemradio', { name: 'Dark' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('html[data-theme="dark"]').waitFor();
  await page.reload();
  await page.locator('html[data-theme="dark"]').waitFor();
});

it('finds a webhook by a piece of its name, from any page', async () => {
  const { id, client } = await stack.project();
  await makeWebhook(client, 'https://example.com/hooks', { name: 'Accounting' });
  const { data } = await stack.admin.typed.createKey({
    path: { projectId: id },
    body: { name: 'reader', role: 'reader' },
  });
  const page = await visit(dashboard());
  await signIn(page, data!.data.key);
  await page.keyboard.press('/');
  await page.keyboard.insertText('account');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Accounting' }).click();
  await title(page, 'Accounting').waitFor();
});

it('finds a project among more than are listed, sets providers’ keys there, and deletes it', async () => {
  const { id } = await stack.project({ name: 'Mailer', profile: 'platform' });
  await Promise.all(
    Array.from({ length: 101 }, (_none, n) =>
      stack.admin.post('/v1/projects', { name: `Tenant ${n}` }),
    ),
  );
  const page = await visit(dashboard());
  await signIn(page, ADMIN_KEY);
  const project = page.getByLabel('Project', { exact: true });
  const chosen = () => project.locator('option:checked').textContent();
  await page.getByText('The first 100 are listed.').waitFor();
  await page.getByRole('button', { name: 'Load more' }).click();
  await page.getByText(/10\d found/).waitFor();
  await page.getByLabel('Find a project by name or id').fill('mailer');
  await page.getByText('1 found.').waitFor();
  await expectAccessible(page);
  await project.selectOption({ label: 'Mailer' });
  await page.reload();
  await title(page, 'Overview').waitFor();
  await soon(async () => expect(await chosen()).toBe('Mailer'));

  await page.getByRole('link', { name: 'Project settings' }).click();
  const key = page.getByLabel('Resend key', { exact: true });
  await key.fill('secret');
  await page.getByRole('button', { name: 'Save the Resend key' }).click();
  await page.getByText(/must be/i).waitFor();
  await key.fill(`whsec_${Buffer.alloc(32, 7).toString('base64')}`);
  await page.getByRole('button', { name: 'Save the Resend key' }).click();
  await page.getByText('Signatures are verified').waitFor();
  await soon(async () => expect(await key.inputValue()).toBe(''));
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Remove the Resend key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Remove the Resend key' }).click();
  await page.getByText('Signatures are verified').waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'New project' }).click();
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await dialog.getByText('Give it a name.').waitFor();
  await focused(dialog.getByLabel('Name')).waitFor();
  await expectAccessible(page);
  await dialog.getByLabel('Name').fill('Webshop');
  await dialog.getByLabel('custom').check();
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await isTold(page, 'The project was created');
  await title(page, 'Overview').waitFor();
  await soon(async () => expect(await chosen()).toBe('Webshop'));

  await page.getByLabel('Find a project by name or id').fill(id);
  await page.getByText('1 found.').waitFor();
  await project.selectOption({ label: 'Mailer' });
  await page.getByRole('link', { name: 'Project settings' }).click();
  await page.getByRole('button', { name: 'Delete project' }).click();
  await dialog.getByText('This can’t be undone.').waitFor();
  await dialog.getByLabel('Name of the project').fill('Tenant 1');
  await dialog.getByRole('button', { name: 'Delete the project for good' }).click();
  await dialog.getByText('This is neither its name nor its id.').waitFor();
  await focused(dialog.getByLabel('Name of the project')).waitFor();
  await expectAccessible(page);
  await dialog.getByLabel('Name of the project').fill('Mailer');
  await page.keyboard.press('Enter');
  await isTold(page, 'The project was deleted');
  await title(page, 'Overview').waitFor();
  await soon(async () => expect(await chosen()).toBe('Webshop'));
  expect((await stack.admin.get(`/v1/projects/${id}`)).status).toBe(404);
});

it('ends the session, here and on the server', async () => {
  const page = await visit(dashboard());
  await signIn(page, ADMIN_KEY);
  await page.getByRole('button', { name: 'Admin key' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  await page.reload();
  await page.getByLabel('API key').waitFor();
});
