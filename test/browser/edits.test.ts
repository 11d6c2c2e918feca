import type { Locator, Page, Route } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { isTold, WITHOUT_RAW_JSON } from '../support/chromium';
import {
  button,
  comeBack,
  inDialog,
  link,
  title,
  useDashboard,
  WATCH_MS,
} from '../support/dashboard';
import { makeWebhook } from '../support/deliveries';
import { eventually, soon } from '../support/eventually';
import { ADMIN_KEY } from '../support/stack';
import { insertDelivery } from '../integration/api/insert';

const { receiver, stack, visit } = useDashboard();

const SCHEMA = { type: 'object', properties: { total: { type: 'number' } } };
/** None of these numbers survives `JSON.parse`. */
const SAMPLE = '{"total":12345678901234567890,"price":10.00}';

const definition = (sample: string, description = 'A test.'): string =>
  `{"description":${JSON.stringify(description)},"schema":${JSON.stringify(SCHEMA)},"sample":${sample}}`;

/** A project with the types `order.paid` and `order.sent`, whose owner is signed in. */
async function arrive(): Promise<{ page: Page; client: ApiClient; go: (to: string) => unknown }> {
  const { client } = await stack.project({ profile: 'custom' });
  await client.send('PUT', '/v1/event-types/order.paid', definition(SAMPLE));
  await client.send('PUT', '/v1/event-types/order.sent', definition('{"total":1}', 'Was sent.'));
  const page = await visit(client.key);
  await page.clock.install();
  return { page, client, go: (to) => page.goto(`${stack.url}/dashboard/#${to}`) };
}

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
/** By its clock, which must be installed, the page looks again meanwhile. */
const shows = (control: Locator, value: string): Promise<void> =>
  soon(async () => {
    await control.page().clock.fastForward(WATCH_MS);
    expect(await control.inputValue()).toBe(value);
  });

/** Lets the page ask for that address or not: meanwhile it has what it got before. */
async function reading(page: Page, path: string): Promise<{ isPossible: boolean }> {
  const state = { isPossible: true };
  const error = { code: 'unavailable', message: 'not now', requestId: 'req_1' };
  await page.route(`**${path}`, (route) =>
    state.isPossible || route.request().method() !== 'GET'
      ? route.continue()
      : route.fulfill({ status: 503, json: { success: false, error } }),
  );
  return state;
}

/** The text of all event types, in which numbers are as they are stored. */
async function storedTypes(client: ApiClient): Promise<string> {
  const headers = { authorization: `Bearer ${client.key}` };
  return (await fetch(`${client.url}/v1/event-types`, { headers })).text();
}

it('takes no example for an event type that could not be loaded, and no name for free', async () => {
  const { page, client, go } = await arrive();
  const types = await reading(page, '/v1/event-types?*');
  types.isPossible = false;
  for (const to of ['/event-types/new', '/event-types/order.paid/edit']) {
    await go(to);
    await title(page, to.endsWith('new') ? 'Add event type' : 'Edit order.paid').waitFor();
    await page.locator('main').getByText('Posthorn cannot reach its database').waitFor();
    expect(await field(page, 'Description').count()).toBe(0);
  }
  types.isPossible = true;
  await shows(field(page, 'Description'), 'A test.');
  await field(page, 'Description').fill('It was paid.');
  await button(page, 'Save event type').click();
  await title(page, 'order.paid').waitFor();
  expect(await storedTypes(client)).toContain('12345678901234567890');
  await go('/event-types/order.lost/edit');
  await page.getByText('There is no such event type').waitFor();
  expect(await field(page, 'Description').count()).toBe(0);
});

it('keeps each number of a sample as it was written, and shows those of another one', async () => {
  const { page, client, go } = await arrive();
  await page.addInitScript(WITHOUT_RAW_JSON);
  await page.reload();
  await go('/event-types/order.paid');
  await page.getByText('"total": 12345678901234567890').waitFor();
  await link(page, 'Edit').click();
  await field(page, 'Description').fill('It was paid.');
  await button(page, 'Save event type').click();
  await page.getByText('It was paid.').waitFor();
  const saved = await storedTypes(client);
  for (const number of ['12345678901234567890', '10.00']) expect(saved).toContain(number);
  await link(page, 'Edit').click();
  await field(page, 'Sample (JSON)').fill(SAMPLE.replaceAll('0', '1'));
  await button(page, 'Save event type').click();
  await page.getByText('"total": 12345678911234567891').waitFor();
});

it('saves what nobody has edited of an event type as it is stored, though it is too large when indented', async () => {
  const items = Array.from({ length: 400 }, (_, id) => ({
    id,
    sku: `sku_${id}`,
    qty: 1,
    ok: true,
  }));
  const sample = `{"total":1, "10":"\u200b","items":${JSON.stringify(items)}}`;
  const { page, client, go } = await arrive();
  const put = await client.send('PUT', '/v1/event-types/order.paid', definition(sample));
  expect(put.status).toBe(200);
  await go('/event-types/order.paid/edit');
  await field(page, 'Description').fill('It was paid.');
  await button(page, 'Save event type').click();
  await title(page, 'order.paid').waitFor();
  const saved = await storedTypes(client);
  for (const text of ['It was paid.', `"sample":${sample}`]) expect(saved).toContain(text);
});

it('leaves to the next event type or webhook nothing of what was written for another', async () => {
  const { page, client, go } = await arrive();
  await go('/event-types/order.paid/edit');
  await field(page, 'Description').fill('For the other one.');
  await go('/event-types/order.sent/edit');
  await shows(field(page, 'Description'), 'Was sent.');
  const one = await makeWebhook(client, receiver.url, { name: 'One' });
  const other = await makeWebhook(client, receiver.url, { name: 'Other' });
  for (const { id } of [other, one]) {
    await go(`/webhooks/${id}/edit`);
    await shows(field(page, 'Name'), id === one.id ? 'One' : 'Other');
  }
  await field(page, 'Name').fill('For the first one.');
  await go(`/webhooks/${other.id}/edit`);
  await shows(field(page, 'Name'), 'Other');
  // Nor a question that was asked about another.
  for (const [from, action, to] of [
    [`/webhooks/${one.id}`, 'Send test event', `/webhooks/${other.id}`],
    ['/event-types/order.paid', 'Delete', '/event-types/order.sent'],
  ] as const) {
    await go(from);
    await button(page, action).first().click();
    await page.getByRole('dialog').waitFor();
    await go(to);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
});

it('keeps what was typed while the list of event types grows by a page', async () => {
  const { page, client, go } = await arrive();
  const put = (type: string) => client.send('PUT', `/v1/event-types/${type}`, definition('{}'));
  // With these two, exactly one page.
  await Promise.all(Array.from({ length: 98 }, (_, index) => put(`order.number_${index}`)));
  // The oldest, which is the last of it.
  await go('/event-types/order.paid/edit');
  const other = await page.context().newPage();
  await other.goto(`${stack.url}/dashboard/#/event-types/new`);
  for (const one of [page, other]) await field(one, 'Description').fill('Typed.');
  const grown = [page, other].map((one) => one.waitForResponse('**/v1/event-types?*cursor=*'));
  await put('order.again');
  await page.clock.fastForward(WATCH_MS);
  await Promise.all(grown);
  for (const one of [page, other]) {
    await shows(field(one, 'Description'), 'Typed.');
    await button(one, 'Save event type').waitFor();
  }
});

describe('what was changed elsewhere meanwhile stays, and is shown', () => {
  it('of the project’s settings', async () => {
    const { id } = await stack.project();
    const page = await visit(ADMIN_KEY);
    await page.clock.install();
    await page.getByLabel('Project').selectOption(id);
    const project = await reading(page, `/v1/projects/${id}`);
    await link(page, 'Project settings').click();
    await shows(field(page, 'Name'), 'Test');
    project.isPossible = false;
    const portalOrigins = ['https://app.example.com'];
    const changes = { portalOrigins, policy: { ratePerSecond: 5 } };
    await stack.admin.patch(`/v1/projects/${id}`, changes);
    await field(page, 'Name').fill('Shop');
    await button(page, 'Save changes').click();
    await isTold(page, 'The settings were saved');
    const now = async () => (await stack.admin.get(`/v1/projects/${id}`)).body.data;
    expect(await now()).toMatchObject({ name: 'Shop', ...changes });
    project.isPossible = true;
    await shows(page.getByLabel('Attempts per second for each webhook'), '5');
    await page.getByLabel('Timeout in seconds').fill('20');
    await button(page, 'Save changes').click();
    await eventually('it is saved', async () => (await now()).policy.timeoutMs === 20_000);
    expect(await now()).toMatchObject({ portalOrigins, policy: { ratePerSecond: 5 } });
    // What was saved is no longer what somebody has written.
    await stack.admin.patch(`/v1/projects/${id}`, { name: 'Store' });
    await shows(field(page, 'Name'), 'Store');
  });

  it('of a webhook', async () => {
    const { page, client, go } = await arrive();
    const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
    const webhook = await reading(page, `/v1/webhooks/${id}`);
    await go(`/webhooks/${id}/edit`);
    await shows(field(page, 'Name'), 'Orders');
    webhook.isPossible = false;
    const changes = {
      events: ['order.paid'],
      description: 'Ours.',
      headers: { 'X-Tenant': 'acme' },
      filter: { 'data.total': { $gt: 5 } },
      signing: ['standard'],
      policy: { ratePerSecond: null },
    };
    await client.patch(`/v1/webhooks/${id}`, changes);
    await field(page, 'Name').fill('Shop');
    await button(page, 'Save changes').click();
    const now = async () => (await client.get(`/v1/webhooks/${id}`)).body.data;
    await eventually('it is saved', async () => (await now()).name === 'Shop');
    expect(await now()).toMatchObject(changes);
    webhook.isPossible = true;
    await page.clock.fastForward(WATCH_MS);
    await title(page, 'Shop').waitFor();
    await link(page, 'Edit').click();
    await shows(field(page, 'Header 1: value'), 'acme');
    await page.getByLabel('Timeout in seconds').fill('20');
    await button(page, 'Save changes').click();
    await eventually('it is saved', async () => (await now()).policy.timeoutMs === 20_000);
    expect(await now()).toMatchObject({ ...changes, policy: { ratePerSecond: null } });
  });

  it('of an event type', async () => {
    const { page, client, go } = await arrive();
    await go('/event-types/order.sent/edit');
    await field(page, 'Description').fill('It was sent.');
    await client.send('PUT', '/v1/event-types/order.sent', definition('{"total":2}'));
    await shows(field(page, 'Sample (JSON)'), '{\n  "total": 2\n}');
    await button(page, 'Save event type').click();
    await title(page, 'order.sent').waitFor();
    const saved = await storedTypes(client);
    for (const text of ['It was sent.', '"total":2']) expect(saved).toContain(text);
  });
});

it('says what became of what was sent, also to somebody who goes on writing', async () => {
  const { id, client } = await stack.project({ profile: 'platform' });
  const { id: webhookId } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const failed = { webhookId, status: 'failed', eventType: 'email.open' } as const;
  await insertDelivery(stack, {
    projectId: id,
    ...failed,
    createdAt: new Date(Date.now() - 60_000),
  });
  const page = await visit(ADMIN_KEY);
  await page.getByLabel('Project').selectOption(id);
  const sent: Route[] = [];
  await page.route('**/v1/**', (route) =>
    route.request().method() === 'GET' ? route.continue() : void sent.push(route),
  );
  const send = async (name: string, meanwhile: () => Promise<void>): Promise<void> => {
    await button(page, name).click();
    const route = await eventually('it is sent', () => sent.pop());
    await meanwhile();
    await route.continue();
  };
  const isAnswered = (name: string): Promise<void> =>
    soon(async () => expect(await button(page, name).getAttribute('aria-busy')).toBe(null));
  await link(page, 'Webhooks').click();
  await button(page, 'More actions for Orders').click();
  await page.getByRole('menuitem', { name: 'Send test event' }).click();
  await send('Send 1 test event', () =>
    page.getByRole('checkbox', { name: 'email.unsubscribe' }).check(),
  );
  await page.getByText('Answered 200').waitFor();
  await page.keyboard.press('Escape');

  await link(page, 'Replays').click();
  await link(page, 'New replay').first().click();
  for (const [name, meanwhile, then] of [
    ['Event types', 'order.*', 'email.*'],
    ['Deliveries per second', '10/s', ''],
  ] as const) {
    await send('Count deliveries', () => page.getByLabel(name).fill(meanwhile));
    await isAnswered('Count deliveries');
    expect(await page.getByText('1 delivery').count()).toBe(0);
    await page.getByLabel(name).fill(then);
  }
  await send('Count deliveries', () => Promise.resolve());
  // As soon as it is sent, before the page has shown so.
  await page.evaluate(`addEventListener('click', () => {
    document.querySelector('[inputmode=decimal]').focus();
    document.execCommand('insertText', false, '1');
  }, { once: true })`);
  await send('Send 1 delivery again', () => Promise.resolve());
  await title(page, 'Replay').waitFor();

  await link(page, 'Project settings').click();
  await page.getByLabel('Origins').fill('https://app.example.com/path');
  await send('Save changes', () => field(page, 'Name').fill('Shop'));
  await page.getByText(/must be an exact origin/i).waitFor();
  const key = field(page, 'Mailgun key');
  await key.fill('first');
  await send('Save the Mailgun key', () => key.fill('second'));
  await isAnswered('Save the Mailgun key');
  for (const [control, value] of [
    [field(page, 'Name'), 'Shop'],
    [key, 'second'],
  ] as const) {
    expect(await control.inputValue()).toBe(value);
  }
});

it('takes nobody away from where they have gone, or come back to, while it was saved or deleted', async () => {
  const { page, client, go } = await arrive();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const sent: Route[] = [];
  await page.route('**/v1/**', (route) =>
    route.request().method() === 'GET' ? route.continue() : void sent.push(route),
  );
  const beenAt = new Set<string>();
  page.on('framenavigated', (frame) => beenAt.add(new URL(frame.url()).hash));
  const answer = async (route: Route, told: string): Promise<void> => {
    await route.continue();
    await isTold(page, told);
  };
  const leave = async (isDone: () => Promise<void>): Promise<void> => {
    beenAt.clear();
    await link(page, 'API keys').click();
    await title(page, 'API keys').waitFor();
    await isDone();
    await link(page, 'Audit log').click();
    await title(page, 'Audit log').waitFor();
    expect([...beenAt]).toEqual(['#/keys', '#/audit']);
  };
  const save = async (name: string): Promise<Route> => {
    await field(page, 'Name').fill(name);
    await button(page, 'Save changes').click();
    return eventually('it is being saved', () => sent.pop());
  };
  await go(`/webhooks/${id}/edit`);
  await shows(field(page, 'Name'), 'Orders');
  const saving = await save('Shop');
  await leave(() => answer(saving, 'The webhook was saved'));
  await go(`/webhooks/${id}/edit`);
  await shows(field(page, 'Name'), 'Shop');
  const savingAgain = await save('Store');
  await leave(() => Promise.resolve());
  await go(`/webhooks/${id}/edit`);
  await page.getByLabel('Description').fill('Typed.');
  await savingAgain.continue();
  await title(page, 'Edit Store').waitFor();
  await button(page, 'Save changes').click();
  await (await eventually('it is being saved', () => sent.pop())).continue();
  await title(page, 'Store').waitFor();
  expect((await client.get(`/v1/webhooks/${id}`)).body.data.description).toBe('Typed.');
  const remove = async (what: string): Promise<void> => {
    await inDialog(page, `Delete ${what}`).click();
    const deletion = await eventually('it is being deleted', () => sent.pop());
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await leave(() => answer(deletion, `The ${what} was deleted`));
  };
  await go('/event-types/order.paid');
  await button(page, 'Delete').click();
  await remove('event type');
  await go(`/webhooks/${id}`);
  await button(page, 'More actions for Store').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await remove('webhook');
});

it('leads to the list from what was deleted, though it was found to be gone before that was answered', async () => {
  const { page, client, go } = await arrive();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const deleted: (() => Promise<void>)[] = [];
  await page.route('**/v1/**', async (route) => {
    if (route.request().method() !== 'DELETE') return route.continue();
    const response = await route.fetch();
    deleted.push(() => route.fulfill({ response }));
    return undefined;
  });
  const remove = async (what: string, missing: string, list: string): Promise<void> => {
    await inDialog(page, `Delete ${what}`).click();
    const answer = await eventually('it is deleted', () => deleted.pop());
    await eventually('it is found to be gone', async () => {
      await comeBack(page);
      return title(page, missing).isVisible();
    });
    await answer();
    await isTold(page, `The ${what} was deleted`);
    await title(page, list).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  };
  await go('/event-types/order.paid');
  await button(page, 'Delete').click();
  await remove('event type', 'Event type not found', 'Event types');
  await go(`/webhooks/${id}`);
  await button(page, 'More actions for Orders').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await remove('webhook', 'Webhook not found', 'Webhooks');
});

it('keeps what was typed when somebody else deletes what it is for, and says so', async () => {
  const { page, client, go } = await arrive();
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
  const description = page.getByLabel('Description');
  const write = async (what: string, path: string): Promise<void> => {
    await description.fill('Typed.');
    await client.delete(path);
    await eventually('it is found to be gone', async () => {
      await comeBack(page);
      return page
        .getByRole('alert')
        .filter({ hasText: `${what} not found` })
        .isVisible();
    });
    expect(await description.inputValue()).toBe('Typed.');
  };
  await go(`/webhooks/${id}/edit`);
  await write('Webhook', `/v1/webhooks/${id}`);
  await button(page, 'Save changes').click();
  await page.getByRole('alert').nth(1).waitFor();
  expect(await description.inputValue()).toBe('Typed.');
  await go('/event-types/order.paid/edit');
  await write('Event type', '/v1/event-types/order.paid');
  await button(page, 'Save event type').click();
  await title(page, 'order.paid').waitFor();
  const stored = await storedTypes(client);
  expect(stored).toContain('"description":"Typed."');
  expect(stored).toContain(SAMPLE);
});

describe('somebody who has left a form before it was answered', () => {
  /** Keeps what is sent, until it is answered. */
  async function sending(page: Page): Promise<() => Promise<Route>> {
    const sent: Route[] = [];
    await page.route('**/v1/**', (route) =>
      route.request().method() === 'GET' ? route.continue() : void sent.push(route),
    );
    return () => eventually('it is sent', () => sent.pop());
  }
  const goTo = async (page: Page, name: string): Promise<void> => {
    await link(page, name).click();
    await title(page, name).waitFor();
  };

  it('is told that it was refused, why, and what to do', async () => {
    const { page, client, go } = await arrive();
    const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
    const next = await sending(page);
    const refuse = async (route: Route, wrong: string): Promise<void> => {
      const details = [{ field: wrong, message: 'is not wanted' }];
      const error = { code: 'validation_failed', message: 'refused', details, requestId: 'req_1' };
      await route.fulfill({ status: 422, json: { success: false, error } });
      await page.getByText(`${wrong} is not wanted. You closed the form`).first().waitFor();
    };
    await go('/events');
    await button(page, 'Send event').first().click();
    await page.getByLabel('Data (JSON)').fill('{"total": 1}');
    await inDialog(page, 'Send event').click();
    const event = await next();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await refuse(event, 'data.total');
    await go(`/webhooks/${id}/edit`);
    await field(page, 'Name').fill('Shop');
    await button(page, 'Save changes').click();
    const webhook = await next();
    await goTo(page, 'API keys');
    await refuse(webhook, 'name');
  });

  it('is told what was created, and how to come by what it would have shown', async () => {
    const { page, go } = await arrive();
    const next = await sending(page);
    await go('/webhooks/new');
    await field(page, 'Name').fill('Orders');
    await field(page, 'URL').fill(receiver.url);
    await button(page, 'Create webhook').click();
    const webhook = await next();
    await goTo(page, 'Audit log');
    await webhook.continue();
    await isTold(page, 'The webhook Orders was created after you left the form');
    await goTo(page, 'API keys');
    await button(page, 'Create key').click();
    await page.getByRole('dialog').getByLabel('Name').fill('Shop');
    await inDialog(page, 'Create key').click();
    const key = await next();
    await page.goBack();
    await title(page, 'Audit log').waitFor();
    await key.continue();
    await isTold(page, 'The key Shop was created after you left the form');
  });
});

it('judges a filter by each number as it is written, and refuses one that would be rounded', async () => {
  const { page, client, go } = await arrive();
  await client.post('/v1/events', '{"type":"order.paid","data":{"total":9007199254740993}}');
  await go('/webhooks/new');
  for (const [filter, said] of [
    ['{ "data.total": 9007199254740992 }', '0 of the last 1 events'],
    ['{ "data.total": { "$gt": 9007199254740992 } }', '1 of the last 1 events'],
    ['{ "data.total": 9007199254740993 }', 'would be rounded to 9007199254740992'],
    ['{ "data.total": 1, "data.total": 2 }', 'data.total is given twice'],
  ] as const) {
    await page.getByLabel('Query').fill(filter);
    await page.getByText(said).waitFor();
  }
  await field(page, 'Name').fill('Orders');
  await field(page, 'URL').fill(receiver.url);
  await page.getByLabel('Query').fill('{ "data.total": 9007199254740993 }');
  await page.getByLabel('Attempts per second').fill('1e999');
  await button(page, 'Create webhook').click();
  await page.getByText('Enter a number, or none.').waitFor();
  expect((await client.get('/v1/webhooks')).body.data.webhooks).toEqual([]);
});

it('shows and takes that a webhook has no limit, whatever the project has', async () => {
  const { page, client, go } = await arrive();
  const policy = { ratePerSecond: null };
  const { id } = await makeWebhook(client, receiver.url, { name: 'Orders', policy });
  await go(`/webhooks/${id}/edit`);
  await shows(page.getByLabel('Attempts per second'), 'none');
  const threshold = page.getByLabel('Disable after failures');
  await threshold.fill('few');
  await button(page, 'Save changes').click();
  await page.getByText('Enter a number, or none.').waitFor();
  await threshold.fill('None');
  await button(page, 'Save changes').click();
  await title(page, 'Orders').waitFor();
  expect((await client.get(`/v1/webhooks/${id}`)).body.data.policy).toMatchObject({
    ratePerSecond: null,
    autoDisableAfter: null,
  });
  await page
    .getByText('Disabled after failures')
    .locator('xpath=following::dd[1]')
    .getByText('never')
    .waitFor();
});
