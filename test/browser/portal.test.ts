import type { FrameLocator, Page } from 'playwright-core';
import { stretched } from '../../src/api/http/derived-key';
import { PortalTokens } from '../../src/api/http/portal-tokens';
import { newId } from '../../src/contracts/ids';
import type { ApiClient } from '../support/api-client';
import { expectAccessible, NARROW, useChromium } from '../support/chromium';
import { title } from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { eventually, soon } from '../support/eventually';
import { withForeignPage } from '../support/foreign-page';
import { startPortalExample, type PortalExample } from '../support/portal-example';
import { ADMIN_KEY } from '../support/stack';
import { useFreshReceiver, useStack } from '../support/use';

const stack = useStack();
const receiver = useFreshReceiver();
const { visit } = useChromium();

let projectId: string;
let client: ApiClient;
let example: PortalExample;

beforeAll(async () => {
  ({ id: projectId, client } = await stack.project({ name: 'Customer 42' }));
  example = await startPortalExample({
    POSTHORN_URL: stack.url,
    POSTHORN_ADMIN_KEY: ADMIN_KEY,
    POSTHORN_PROJECT: projectId,
  });
});
afterAll(() => example?.stop());

const link = async (capabilities: string, of = client): Promise<string> =>
  (await of.post('/v1/portal-links', { capabilities })).body.data.url;
const inFrame = (page: Page): FrameLocator => page.frameLocator('#portal');

it('lets a customer register a webhook and see a test arrive, in the page that embeds it', async () => {
  const page = await visit(example.url);
  const portal = inFrame(page);
  await portal.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await portal.getByRole('link', { name: 'New webhook' }).first().click();
  await portal.getByLabel('Name', { exact: true }).fill('Mine');
  await portal.getByLabel('URL', { exact: true }).fill(receiver.url);
  // How often is tried, the platform decides.
  expect(await portal.getByLabel('Retry schedule').count()).toBe(0);
  await portal.getByRole('button', { name: 'Create webhook' }).click();
  await title(portal, 'Mine is ready').waitFor();
  const { webhooks } = (await client.get('/v1/webhooks')).body.data;
  await client.post(`/v1/webhooks/${webhooks[0].id}/test`);
  await receiver.waitFor(1);
  await portal.getByRole('link', { name: 'Deliveries', exact: true }).click();
  await portal.getByText('Succeeded').first().waitFor();
});

it('is themed by the page that embeds it, readable with any colour', async () => {
  const page = await visit(example.url);
  const portal = inFrame(page);
  await portal.getByText('Acme').first().waitFor();
  const style = (name: string): Promise<string> =>
    portal
      .locator('html')
      .evaluate(`getComputedStyle(document.documentElement).getPropertyValue('${name}')`);
  await soon(async () => expect(await style('--accent')).toBe('#a3215f'));
  await page.getByLabel('Colour').fill('#ffe600');
  await eventually('the colour is used', async () => (await style('--accent')) === '#ffe600');
  await soon(async () => expect(await style('--on-accent')).not.toBe('rgb(255 255 255)'));
  await page.getByLabel('Appearance').selectOption('dark');
  await portal.locator('html[data-theme="dark"]').waitFor();
});

it('goes on with another link when its own has ended, without a reload', async () => {
  const page = await visit(example.url);
  const portal = inFrame(page);
  await title(portal, 'Overview').waitFor();
  const html = portal.locator('html');
  await html.evaluate((element) => {
    element.dataset.marked = 'yes';
  });
  await client.delete('/v1/portal-links');
  await portal.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await title(portal, 'Webhooks').waitFor();
  await soon(async () => expect(await html.getAttribute('data-marked')).toBe('yes'));
});

it('copies what is shown in the frame, also in one that may not use the clipboard', async () => {
  const copied = async (page: Page, id: string): Promise<unknown> => {
    const portal = page.frameLocator('iframe');
    await portal.getByRole('link', { name: 'Webhooks', exact: true }).click();
    const copy = portal.getByRole('button', { name: new RegExp(`^Copy.*${id}`) });
    await copy.waitFor();
    // For a moment only, which the page itself does not miss.
    const body = portal.locator('body');
    await body.evaluate(`(body) => {
      window.confirmed = new Promise((resolve) => {
        const look = () => body.textContent.includes('Copied') && resolve();
        new MutationObserver(look).observe(body, { subtree: true, childList: true, characterData: true });
      });
    }`);
    await copy.click();
    await body.evaluate('() => window.confirmed');
    // Only the document that has the focus may read it.
    await page.getByLabel('Colour').focus();
    return page.evaluate('navigator.clipboard.readText()');
  };
  const page = await visit(example.url);
  await soon(async () =>
    expect(await page.locator('iframe').getAttribute('allow')).toBe('clipboard-write'),
  );
  const { id } = await makeWebhook(client, receiver.url);
  expect(await copied(page, id)).toBe(id);

  const other = await stack.project();
  const { id: otherId } = await makeWebhook(other.client, receiver.url);
  const src = await link('manage', other.client);
  const size = 'width="1000" height="700"';
  const html = `<label>Colour <input></label><iframe title="Portal" ${size} src="${src}"></iframe>`;
  await withForeignPage(html, async (url) => {
    const portalOrigins = [new URL(url).origin];
    await stack.admin.patch(`/v1/projects/${other.id}`, { portalOrigins });
    expect(await copied(await visit(url, { refused: /Clipboard API/ }), otherId)).toBe(otherId);
  });
});

it('offers nothing that a link to read may not do', async () => {
  const page = await visit(await link('read'));
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await title(page, 'Webhooks').waitFor();
  await page.getByText('Mine').first().waitFor();
  expect(await page.getByRole('link', { name: 'New webhook' }).count()).toBe(0);
  await expectAccessible(page);
  await page.setViewportSize(NARROW);
  await expectAccessible(page);
  for (const name of ['API keys', 'Audit log', 'Project settings', 'Sign out']) {
    expect(await page.getByText(name, { exact: true }).count()).toBe(0);
  }
});

it('says why it shows nothing: no link, one of another project, one that has ended', async () => {
  const { client: other } = await stack.project();
  const page = await visit(`${stack.url}/portal/${projectId}/`);
  await page.getByText('This page needs a link').waitFor();
  await expectAccessible(page);
  const token = new URL(await link('manage', other)).hash;
  const foreign = await visit(`${stack.url}/portal/${projectId}/${token}`);
  await foreign.getByText('This link is for another page').waitFor();
  expect(foreign.url()).not.toContain('token');
  const revoked = await link('read');
  await client.delete('/v1/portal-links');
  const late = await visit(revoked);
  await title(late, 'Your link is no longer valid').waitFor();
  // Another one is opened in the same tab.
  await late.goto(await link('read'));
  await title(late, 'Overview').waitFor();
  expect(late.url()).not.toContain('token');
  const expired = await visit(`${stack.url}/portal/${projectId}/#token=${await expiredToken()}`);
  await title(expired, 'Your link is no longer valid').waitFor();
  await expectAccessible(expired);
});

/** As the API made it an hour ago. */
async function expiredToken(): Promise<string> {
  const { keys } = (await client.get(`/v1/projects/${projectId}/keys`)).body.data;
  const tokens = new PortalTokens(stack.store, {} as never, stretched(ADMIN_KEY));
  return tokens.sign({
    id: newId('portalLink'),
    projectId,
    capabilities: 'manage',
    keyId: keys[0].id,
    revocations: 100,
    expiresAt: Date.now() - 1000,
  });
}

it('is not shown in a frame of another origin', async () => {
  const url = await link('read');
  await withForeignPage(`<iframe title="Portal" src="${url}"></iframe>`, async (foreign) => {
    const page = await visit(foreign, { refused: /frame-ancestors/ });
    const [, frame] = page.frames();
    await eventually('the frame is refused', () => frame!.url().startsWith('chrome-error:'));
  });
});
