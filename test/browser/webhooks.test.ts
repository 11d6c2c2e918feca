import { createHmac } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expectAccessible, focused, NARROW, useChromium } from '../support/chromium';
import { title } from '../support/dashboard';
import { typing } from '../support/hand';
import { makeWebhook } from '../support/deliveries';
import { soon } from '../support/eventually';
import { portalLink } from '../support/portal-link';
import { emailSent } from '../support/samples';
import { useFreshReceiver, useStack } from '../support/use';

const stack = useStack();
const receiver = useFreshReceiver();
const { visit } = useChromium();

/** A project with an owner's key, and the page of its webhooks. */
async function arrive(look: Parameters<typeof visit>[1] = {}) {
  const { id, client } = await stack.project();
  const { data } = await stack.admin.typed.createKey({
    path: { projectId: id },
    body: { name: 'browser', role: 'owner' },
  });
  const page = await visit(`${stack.url}/dashboard/#/webhooks`, { ...look, key: data!.data.key });
  await title(page, 'Webhooks').waitFor();
  return { page, client, projectId: id };
}

async function createdBy(page: Page, name: string): Promise<string> {
  await page.getByRole('link', { name: 'New webhook' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('URL', { exact: true }).fill(receiver.url);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await title(page, `${name} is ready`).waitFor();
  return (await page.getByRole('region', { name: 'Secret', exact: true }).textContent())!;
}

it('creates a webhook for chosen events, shows its secret, and sends a test that it signs', async () => {
  const { page } = await arrive();
  await page.getByText('No webhooks yet').waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'New webhook' }).first().click();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByText('Some fields need another look.').waitFor();
  await soon(async () =>
    expect(await page.getByLabel('Name', { exact: true }).getAttribute('aria-invalid')).toBe(
      'true',
    ),
  );
  await focused(page.getByLabel('Name', { exact: true })).waitFor();

  await page.getByLabel('Name', { exact: true }).fill('Orders');
  await page.getByLabel('URL', { exact: true }).fill(receiver.url);
  await page.getByLabel('Chosen events').check();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await focused(page.getByRole('alert')).waitFor();
  await page.getByLabel('Search event types').fill('bounced');
  await page.getByLabel('email.bounced').check();
  await page.getByLabel('Search event types').fill('');
  await page.getByLabel('All contact events').check();
  await soon(async () => expect(await page.getByLabel('contact.created').isDisabled()).toBe(true));
  // What applies by default is drawn too.
  const schedule = page.getByRole('list', { name: 'When attempts are made' });
  await schedule.getByText('after 21 min').waitFor();
  await soon(async () =>
    expect(await page.getByLabel('Timeout in seconds').getAttribute('placeholder')).toBe('10'),
  );
  await soon(async () => expect(await page.getByLabel('Secret of your own').count()).toBe(0));
  await page.getByLabel('Retry schedule').selectOption({ label: '5 retries over 1 h 43 min' });
  await schedule.getByText('after 1 h 43 min').waitFor();
  await page.getByLabel('Retry schedule').selectOption({ label: '3 retries over 21 minutes' });
  await soon(async () =>
    expect(await schedule.getByRole('listitem').allTextContents()).toEqual([
      'Attempt 1at once',
      'Attempt 2after 1 min',
      'Attempt 3after 6 min',
      'Attempt 4after 21 min',
    ]),
  );
  await page.getByRole('button', { name: 'Add header' }).click();
  await page.getByLabel('Header 1: name').fill('X-Tenant');
  await page.getByLabel('Header 1: value').fill('acme');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await title(page, 'Orders is ready').waitFor();
  const secret = await page.getByRole('region', { name: 'Secret', exact: true }).textContent();
  await soon(async () =>
    expect(await page.getByRole('tab').allTextContents()).toEqual([
      'Node',
      'Python',
      'Go',
      'Ruby',
      'PHP',
      'Java',
      'C#',
      'Rust',
    ]),
  );
  await page.getByRole('tab', { name: 'Java' }).click();
  await page.getByText('MessageDigest.isEqual').waitFor();
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Send test event' }).click();
  const dialog = page.getByRole('dialog', { name: 'Send test events to Orders' });
  await dialog.getByRole('checkbox', { name: 'email.bounced' }).waitFor();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Send 1 test event' }).click();
  await dialog.getByText('Answered 200').waitFor();
  await expectAccessible(page);
  const { rawBody, headers } = receiver.requests[0]!;
  expect(headers['x-webhook-signature']).toBe(
    createHmac('sha256', secret!).update(rawBody).digest('hex'),
  );
  expect(headers['x-tenant']).toBe('acme');
});

it('draws the times of attempts below each other where they don’t fit beside each other', async () => {
  const { page, client } = await arrive({ viewport: NARROW });
  const policy = { retryDelaysMs: [1, 5, 15, 30, 60, 120].map((minutes) => minutes * 60_000) };
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders', policy });
  await page.goto(`${stack.url}/dashboard/#/webhooks/${id}`);
  const attempts = page.getByRole('list', { name: 'When attempts are made' }).getByRole('listitem');
  await attempts.nth(policy.retryDelaysMs.length).waitFor();
  await soon(async () => {
    const boxes = await Promise.all((await attempts.all()).map((one) => one.boundingBox()));
    const lines = new Set(boxes.map((box) => box?.y));
    expect(lines.size).toBeGreaterThan(1);
    const widths = boxes.map((box) => box!.width);
    expect(Math.max(...widths) - Math.min(...widths)).toBeLessThan(1);
  });
});

it('shows what is wrong with a webhook, and what to do', async () => {
  receiver.respondWith(500);
  const { page, client } = await arrive();
  await createdBy(page, 'Broken');
  await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  await page.getByRole('link', { name: 'Go to the webhook' }).click();
  await page.getByText('The last attempt failed with 500.').waitFor();
  await page.getByText('email.sent').waitFor();
  await page.locator('header').getByText(new URL(receiver.url).href, { exact: true }).waitFor();
  await page.getByText('24 h ago', { exact: true }).waitFor();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'See what failed' }).click();
  await title(page, 'Deliveries').waitFor();
  // It is pending: tried again in a minute.
  await page.getByRole('row', { name: /email\.sent.*Pending.*500/ }).waitFor();
});

it('edits, pauses and resumes, disables and enables, and deletes', async () => {
  const { page } = await arrive();
  await createdBy(page, 'Orders');
  await page.getByRole('link', { name: 'Go to the webhook' }).click();
  await page.getByRole('link', { name: 'Edit' }).click();
  await soon(async () =>
    expect(await page.getByLabel('URL', { exact: true }).isEditable()).toBe(false),
  );
  await page.getByText('Locked. The URL never changes').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Shop');
  await page.getByLabel('Query').fill('{ "data.test": }');
  await page.getByText('This is not JSON yet').waitFor();
  await page.getByLabel('Query').fill('{ "data.test": { "$lt": [] } }');
  await page.getByRole('alert').filter({ hasText: 'data.test' }).waitFor();
  await page.getByLabel('Query').fill('{ "data.test": false }');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save changes' }).click();
  await title(page, 'Shop').waitFor();

  const choose = async (item: string, confirm?: string): Promise<void> => {
    await page.getByRole('button', { name: 'More actions for Shop' }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
    if (confirm === undefined) return;
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: confirm, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await choose('Pause', 'Pause');
  await page.getByText('This webhook is paused.').waitFor();
  await choose('Resume');
  await page.getByText('This webhook is paused.').waitFor({ state: 'detached' });
  await choose('Disable', 'Disable');
  await page.getByText('This webhook was disabled manually.').waitFor();
  await choose('Enable', 'Enable');
  await page.getByText('This webhook was disabled manually.').waitFor({ state: 'detached' });
  await choose('Delete', 'Delete webhook');
  await page.getByText('No webhooks yet').waitFor();
});

it('reveals the secret, and rotates it with an overlap', async () => {
  const { page } = await arrive({ theme: 'dark', viewport: NARROW });
  const secret = await createdBy(page, 'Orders');
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Webhooks' }).first().click();
  const menu = page.getByRole('button', { name: 'More actions for Orders' });
  await menu.click();
  await expectAccessible(page);
  await page.getByRole('menuitem', { name: 'Reveal secret' }).click();
  const shown = page.getByRole('dialog').getByRole('region', { name: 'Secret' });
  await soon(async () => expect(await shown.textContent()).toBe(secret));
  // For a moment only, which the page itself does not miss.
  const confirmed = page.evaluate(`new Promise((resolve) => {
    const look = () => document.querySelector('[role="dialog"] [title="Copied"]') && resolve();
    new MutationObserver(look).observe(document.body, { subtree: true, attributes: true });
  })`);
  await page.getByRole('dialog').getByRole('button', { name: 'Copy Secret' }).click();
  await confirmed;
  await soon(async () =>
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret),
  );
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await menu.click();
  await page.getByRole('menuitem', { name: 'Rotate secret' }).click();
  await page.getByLabel('Overlap in hours').fill('200');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
  await page.getByText('Enter a whole number from 0 to 168.').waitFor();
  await focused(page.getByLabel('Overlap in hours')).waitFor();
  await page.getByLabel('Overlap in hours').fill('2');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
  await page.getByText('The new secret.').waitFor();
  await soon(async () => expect(await shown.textContent()).not.toBe(secret));
});

it('gives receivers of Ed25519 alone a public key, and code that verifies with it', async () => {
  const { page } = await arrive();
  await page.getByRole('link', { name: 'New webhook' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('Public');
  await page.getByLabel('URL', { exact: true }).fill(receiver.url);
  await page.getByLabel('Chosen schemes').check();
  await page.getByRole('checkbox', { name: 'Standard Webhooks, Ed25519' }).check();
  await page.getByRole('checkbox', { name: 'HMAC in hex' }).uncheck();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await title(page, 'Public is ready').waitFor();
  await page.getByText('Store the public key in your receiver’s configuration').waitFor();
  const key = page.getByRole('region', { name: 'Public key (Ed25519)' });
  await soon(async () => expect(await key.textContent()).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/));
  const shown = await key.textContent();
  const code = async (): Promise<void> => {
    const languages = ['Node', 'Python', 'Go', 'Ruby', 'PHP', 'Java', 'Rust'];
    await soon(async () =>
      expect(await page.getByRole('tab').allTextContents()).toEqual(languages),
    );
    await page.getByRole('region', { name: 'Verifying in Node' }).getByText('v1a').waitFor();
  };
  await code();
  await expectAccessible(page);

  await page.getByRole('link', { name: 'Go to the webhook' }).click();
  await title(page, 'Public').waitFor();
  await code();
  await page.getByRole('button', { name: 'More actions for Public' }).click();
  await page.getByRole('menuitem', { name: 'Rotate secret' }).click();
  await page.getByText('A new secret is generated, and a new public key with it.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
  await page.getByText('Copy the public key now').waitFor();
  await soon(async () => expect(await key.textContent()).not.toBe(shown));
});

it('previews a filter on recent events by the evaluator that decides it', async () => {
  const { page, client } = await arrive();
  await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  await client.post('/v1/events', { type: 'email.sent', data: { ...emailSent, test: true } });
  await page.getByRole('link', { name: 'New webhook' }).first().click();
  await page.getByLabel('Query').fill('{ "data.test": true }');
  await page.getByText('1 of the last 2 events of these types would be sent.').waitFor();
  // Read out again when it changes, which times do at each second.
  expect(await page.getByRole('status').locator('time').count()).toBe(0);
  await expectAccessible(page);
});

it('does all of it by keyboard alone: creates a webhook, tests it, opens the delivery', async () => {
  const { page } = await arrive();
  const { press, write } = typing(page);
  await press(page.getByRole('link', { name: 'New webhook' }).first());
  await title(page, 'New webhook').waitFor();
  await write(page.getByLabel('Name', { exact: true }), 'Keys only');
  await write(page.getByLabel('URL', { exact: true }), receiver.url);
  await page.keyboard.press('Enter');
  await title(page, 'Keys only is ready').waitFor();
  await press(page.getByRole('button', { name: 'Send test event' }));
  const dialog = page.getByRole('dialog');
  await press(dialog.getByRole('button', { name: 'Send 1 test event' }));
  await dialog.getByText('Answered 200').waitFor();
  await press(dialog.getByRole('link', { name: 'Open delivery' }));
  await page.waitForURL(/#\/deliveries\/dlv_/);
});

it('lists chosen event types that have been removed, keeps them, and lets them go', async () => {
  const { id, client } = await stack.project({ profile: 'custom' });
  const definition = { description: 'A test.', schema: { type: 'object' }, sample: {} };
  for (const type of ['order.paid', 'order.old']) {
    await client.send('PUT', `/v1/event-types/${type}`, definition);
  }
  const events = ['order.paid', 'order.old'];
  const webhook = await makeWebhook(client, receiver.url, { name: 'Orders', events });
  await client.delete('/v1/event-types/order.old');
  const kept = async () => {
    const { name, events: now } = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
    return [name, now];
  };
  const link = await portalLink(client, 'manage');
  const page = await visit(link.url);
  const edit = async (): Promise<void> => {
    await page.goto(`${stack.url}/portal/${id}/#/webhooks/${webhook.id}/edit`);
    await page.getByRole('group', { name: 'Removed event types' }).waitFor();
  };
  const save = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.waitForURL((url) => url.hash === `#/webhooks/${webhook.id}`);
  };
  await title(page, 'Overview').waitFor();
  await edit();
  await expectAccessible(page);
  await page.getByLabel('Name', { exact: true }).fill('Shop');
  await save();
  expect(await kept()).toEqual(['Shop', events]);

  await edit();
  await page.getByRole('checkbox', { name: 'order.old' }).uncheck();
  await save();
  expect(await kept()).toEqual(['Shop', ['order.paid']]);
});

it('shows a chosen family within another one, ticks what it stands for, and lets it go', async () => {
  const { client, id } = await stack.project({ profile: 'custom' });
  const definition = { description: 'A test.', schema: { type: 'object' }, sample: {} };
  for (const type of ['order.line.added', 'order.paid', 'user.created']) {
    await client.send('PUT', `/v1/event-types/${type}`, definition);
  }
  const webhook = await makeWebhook(client, receiver.url, {
    events: ['order.line.*', 'user.created'],
  });
  const { url } = await portalLink(client, 'manage');
  const page = await visit(url);
  await title(page, 'Overview').waitFor();
  await page.goto(`${stack.url}/portal/${id}/#/webhooks/${webhook.id}/edit`);
  const box = (name: string) => page.getByRole('checkbox', { name, exact: true });
  await box('All order.line events').waitFor();
  await soon(async () => {
    expect(await box('All order.line events').isChecked()).toBe(true);
    expect(await box('order.line.added').isChecked()).toBe(true);
    expect(await box('order.line.added').isDisabled()).toBe(true);
    expect(await box('order.paid').isChecked()).toBe(false);
  });
  await expectAccessible(page);
  await box('All order.line events').uncheck();
  await soon(async () => expect(await box('order.line.added').isChecked()).toBe(false));
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.waitForURL((to) => to.hash === `#/webhooks/${webhook.id}`);
  const { events } = (await client.get(`/v1/webhooks/${webhook.id}`)).body.data;
  expect(events).toEqual(['user.created']);
});
