import { eventually, soon } from '../support/eventually';
import type { Request } from 'playwright-core';
import type { ApiClient } from '../support/api-client';
import { expectAccessible, focused, useChromium } from '../support/chromium';
import { makeWebhook } from '../support/deliveries';
import { useFreshReceiver, useStack } from '../support/use';

const stack = useStack();
const receiver = useFreshReceiver();
const { visit } = useChromium();

/** The dialog of a webhook in a new project, which has been prepared. */
async function openDialog(
  settings: Record<string, unknown> = {},
  prepare: (client: ApiClient) => Promise<void> = () => Promise.resolve(),
  webhook: Record<string, unknown> = {},
) {
  const { client } = await stack.project(settings);
  await prepare(client);
  await makeWebhook(client, receiver.url, { name: 'Orders', ...webhook });
  const page = await visit(`${stack.url}/dashboard/#/webhooks`, { key: client.key });
  await page.getByRole('button', { name: 'More actions for Orders' }).click();
  await page.getByRole('menuitem', { name: 'Send test event' }).click();
  const dialog = page.getByRole('dialog');
  const send = dialog.getByRole('button', { name: /^Send .* test events?$/ });
  await send.waitFor();
  return { page, client, dialog, send };
}

it('sends test events whose data was edited, of several types, and shows their answers', async () => {
  const { page, dialog, send } = await openDialog();
  await dialog.getByRole('checkbox', { name: 'email.sent' }).uncheck();
  await send.click();
  await dialog.getByText('Choose at least one event type.').waitFor();
  await focused(dialog.getByRole('alert')).waitFor();
  await dialog.getByRole('checkbox', { name: 'contact.deleted' }).check();
  const contact = dialog.getByLabel('Data of contact.deleted (JSON)');
  await contact.fill('{ "email": ');
  await dialog.getByRole('checkbox', { name: 'email.bounced' }).check();
  await dialog.getByLabel('Data of email.bounced (JSON)').waitFor();
  await send.click();
  await dialog.getByText('Not valid JSON').waitFor();
  await contact.fill('{ "email": 12 }');
  await send.click();
  await dialog.getByText('data.contact.deleted.email must be').waitFor();
  await soon(async () => expect(await contact.getAttribute('aria-invalid')).toBe('true'));
  await focused(contact).waitFor();
  expect(receiver.requests).toHaveLength(0);
  await expectAccessible(page);
  // A number that JavaScript would round.
  await contact.fill('{ "email": "ada@example.com", "points": 12345678901234567890 }');
  await dialog.getByLabel('What to edit').selectOption('email.bounced');
  await dialog.getByLabel('Data of email.bounced (JSON)').waitFor();
  receiver.respondWith({ kind: 'answer', status: 200, body: '<img src=x>\u202Egnp.exe' });
  await send.click();
  await dialog.getByText('Answered 200').nth(1).waitFor();
  const answer = dialog.getByRole('region', { name: 'Response to email.bounced' });
  await soon(async () => expect(await answer.textContent()).toBe('<img src=x>⟨U+202E⟩gnp.exe'));
  const bodies = receiver.requests.map(({ rawBody }) => rawBody.toString());
  expect(bodies.filter((body) => body.includes('"points": 12345678901234567890'))).toHaveLength(1);
  expect(bodies.filter((body) => body.includes('"bounceType"'))).toHaveLength(1);
  await dialog.getByRole('button', { name: 'Send others' }).click();
  await dialog.getByLabel('What to edit').selectOption('contact.deleted');
  await dialog.getByRole('button', { name: 'Use the sample again' }).click();
  await soon(async () => expect(await contact.inputValue()).toContain('"contactId"'));
});

it('does not ask for each answer every two seconds while changes are told', async () => {
  const { page, dialog, send } = await openDialog();
  await page.clock.install();
  receiver.respondWith(500);
  const asked = { begun: 0, ended: 0 };
  const count =
    (what: keyof typeof asked) =>
    (request: Request): void => {
      if (/\/deliveries\/dlv_/.test(request.url())) asked[what] += 1;
    };
  page.on('request', count('begun'));
  page.on('requestfinished', count('ended'));
  page.on('requestfailed', count('ended'));
  await send.click();
  await dialog.getByText('Answered 500').waitFor();
  await eventually('some seconds pass in which none is asked for', async () => {
    const { begun, ended } = asked;
    if (begun > ended) return false;
    await page.clock.fastForward(3_000);
    // What is asked for by then is so before this.
    await page.evaluate("fetch('session')");
    return asked.begun === begun;
  });
});

it('shows what is wrong with data beside the type whose it is, also where one’s name begins another’s', async () => {
  const { page, dialog, send } = await openDialog({ profile: 'custom' }, async (client) => {
    for (const type of ['order.paid', 'order.paid.late']) {
      await client.send('PUT', `/v1/event-types/${type}`, {
        description: type,
        schema: { type: 'object', properties: { total: { type: 'number' } } },
        sample: { total: 1 },
      });
    }
  });
  await dialog.getByRole('checkbox', { name: 'order.paid', exact: true }).check();
  await dialog.getByRole('checkbox', { name: 'order.paid.late', exact: true }).check();
  await dialog.getByLabel('What to edit').selectOption('order.paid.late');
  const late = dialog.getByLabel('Data of order.paid.late (JSON)');
  await late.fill('{ "total": "much" }');
  await dialog.getByLabel('What to edit').selectOption('order.paid');
  const paid = dialog.getByLabel('Data of order.paid (JSON)');
  await paid.fill('{ "total": 2 }');
  await send.click();
  await dialog.getByText('data.order.paid.late.total must be').waitFor();
  await soon(async () => expect(await late.getAttribute('aria-invalid')).toBe('true'));
  await dialog.getByLabel('What to edit').selectOption('order.paid');
  await soon(async () => expect(await paid.getAttribute('aria-invalid')).toBe(null));
  await expectAccessible(page);
});

it('offers a webhook those of Posthorn’s own events that it is subscribed to, and sends it nothing else', async () => {
  const events = ['webhook.disabled', 'delivery.failed'];
  const { dialog, send } = await openDialog({}, undefined, { events });
  await dialog.getByRole('checkbox', { name: 'webhook.disabled', checked: true }).waitFor();
  await dialog.getByRole('checkbox', { name: 'email.sent', checked: false }).waitFor();
  expect(await dialog.getByRole('checkbox', { name: 'webhook.enabled' }).count()).toBe(0);
  await dialog.getByRole('checkbox', { name: 'delivery.failed' }).check();
  await send.click();
  await dialog.getByText('Answered 200').nth(1).waitFor();
  const sent = receiver.requests.map(({ headers }) => headers['x-webhook-event']);
  expect(new Set(sent)).toEqual(new Set(events));
});

it('chooses a type of the project before one of Posthorn’s own', async () => {
  const events = ['webhook.disabled', 'email.opened'];
  const { dialog } = await openDialog({}, undefined, { events });
  await dialog.getByRole('checkbox', { name: 'email.opened', checked: true }).waitFor();
  await dialog.getByRole('checkbox', { name: 'webhook.disabled', checked: false }).waitFor();
});
