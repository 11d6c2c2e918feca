import type { Frame, FrameLocator, Locator, Page } from 'playwright-core';
import { ApiClient } from '../support/api-client';
import { expectAccessible, NARROW, useChromium } from '../support/chromium';
import { title } from '../support/dashboard';
import { soon } from '../support/eventually';
import { pointing, typing, type Hand } from '../support/hand';
import { npmStart, type NpmStart } from '../support/npm-start';
import { startPortalExample, type PortalExample } from '../support/portal-example';
import type { Behaviour, ReceivedRequest } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useReceiver } from '../support/use';

const { visit } = useChromium();
const receiver = useReceiver();

let posthorn: NpmStart;
let admin: ApiClient;
let signInUrl: string | undefined;

beforeAll(async () => {
  posthorn = await npmStart();
  ({ signInUrl } = posthorn);
  const { apiUrl, adminKey, projectId } = posthorn.dev;
  admin = new ApiClient(apiUrl, adminKey, { 'x-project-id': projectId });
  receiver.respondWith(behave);
});
afterAll(() => posthorn?.stop());

/** The endpoints that somebody has repaired, by their path. */
const repaired = new Set<string>();

/** Until then each delivery's first attempt is answered 500, and the others 404. */
function behave({ path: endpoint, headers }: ReceivedRequest): Behaviour {
  if (repaired.has(endpoint)) return 200;
  const id = headers['x-webhook-delivery-id'];
  const attempts = receiver.requests.filter((one) => one.headers['x-webhook-delivery-id'] === id);
  return attempts.length === 1
    ? { kind: 'answer', status: 500, body: '{"error":"the database is down"}' }
    : { kind: 'answer', status: 404, body: 'no such route' };
}

/** Somebody at a page, and how they use it. */
interface Visit {
  hand: Hand;
  /** Where Posthorn's pages are: the page, or the frame that it embeds. */
  within: Page | FrameLocator;
  document: Page | Frame;
  isNarrow?: boolean;
}

/** The link that `npm start` printed signs in once; what it printed it with gives another. */
async function signIn(look: Parameters<typeof visit>[1]): Promise<Page> {
  const page = await visit(
    signInUrl ?? ((await admin.post('/v1/sign-in-links')).body.data.url as string),
    look,
  );
  signInUrl = undefined;
  return page;
}

const dashboards: Record<string, () => Promise<Visit>> = {
  'in light': async () => at(await signIn({ theme: 'light' }), pointing),
  'at 380 px': async () => ({
    ...at(await signIn({ viewport: NARROW }), pointing),
    isNarrow: true,
  }),
  'in dark, with the keyboard alone': async () => {
    const page = await signIn({ theme: 'dark' });
    return at(page, typing(page));
  },
};

const at = (page: Page, hand: Hand): Visit => ({ hand, within: page, document: page });

describe.each(Object.entries(dashboards))('%s', (name, arrive) => {
  it('somebody registers an endpoint, sees why it fails, repairs it, and replays what was missed', async () => {
    const now = await arrive();
    await heading(now, 'Overview').waitFor();
    await expectAccessible(now.document);
    const endpoint = `/${encodeURIComponent(name)}`;
    await create(now, `Orders ${name}`, endpoint, async () => {
      await now.hand.write(now.within.getByLabel('Retry delays'), '1s');
    });
    await sendTest(now);
    await go(now, 'Events');
    await now.hand.press(button(now, 'Send event').first());
    await now.hand.press(
      now.within.getByRole('dialog').getByRole('button', { name: 'Send event' }),
    );
    await heading(now, 'email.sent').waitFor();
    await expectAccessible(now.document);
    await repairAndReplay(now, `Orders ${name}`, endpoint);
  });
});

describe('in the portal that an application embeds', () => {
  let application: PortalExample;
  beforeAll(async () => {
    // How often is tried, a customer can't choose.
    const policy = { retryDelaysMs: [1000] };
    await admin.patch(`/v1/projects/${posthorn.dev.projectId}`, { policy });
    application = await startPortalExample({ POSTHORN_DATA_DIR: posthorn.folder });
  });
  afterAll(() => application?.stop());

  it('its customer does the same, in dark at 380 px', async () => {
    const page = await visit(application.url, { theme: 'dark', viewport: NARROW });
    const frame = await page.locator('#portal').elementHandle();
    const now: Visit = {
      hand: pointing,
      within: page.frameLocator('#portal'),
      document: (await frame.contentFrame())!,
      isNarrow: true,
    };
    await heading(now, 'Overview').waitFor();
    await now.within.locator('html[data-theme="dark"]').waitFor();
    await expectAccessible(now.document);
    await create(now, 'Customer’s own', '/customer');
    await sendTest(now);
    await admin.post('/v1/events', { type: 'email.sent', data: emailSent });
    await repairAndReplay(now, 'Customer’s own', '/customer');
  });
});

const heading = ({ within }: Visit, name: string): Locator => title(within, name);
const button = ({ within }: Visit, name: string): Locator =>
  within.getByRole('button', { name, exact: true });
const link = ({ within }: Visit, name: string): Locator =>
  within.getByRole('link', { name, exact: true });
/** Of one webhook's deliveries: others of the project are there as well. */
const rows = ({ within }: Visit, webhook: string): Locator =>
  within.getByRole('grid', { name: 'Deliveries' }).locator('[data-index]', { hasText: webhook });

async function go(now: Visit, name: string): Promise<void> {
  if (now.isNarrow) await now.hand.press(button(now, 'Open menu'));
  await now.hand.press(now.within.getByRole('navigation').getByRole('link', { name, exact: true }));
  await heading(now, name).waitFor();
  if (now.isNarrow) await now.within.getByRole('dialog').waitFor({ state: 'detached' });
}

async function create(
  now: Visit,
  name: string,
  endpoint: string,
  fillIn?: () => Promise<void>,
): Promise<void> {
  const { hand, within, document } = now;
  await go(now, 'Webhooks');
  await hand.press(link(now, 'New webhook').first());
  await hand.write(within.getByLabel('Name', { exact: true }), name);
  await hand.write(within.getByLabel('URL', { exact: true }), receiver.url + endpoint);
  await fillIn?.();
  await expectAccessible(document);
  await hand.press(button(now, 'Create webhook'));
  await heading(now, `${name} is ready`).waitFor();
  await expectAccessible(document);
}

async function sendTest(now: Visit): Promise<void> {
  const { hand, within, document } = now;
  await hand.press(button(now, 'Send test event'));
  const dialog = within.getByRole('dialog');
  await hand.press(dialog.getByRole('button', { name: 'Send 1 test event' }));
  await dialog.getByText(/^Answered (500|404) in/).waitFor();
  await expectAccessible(document);
  await hand.press(dialog.getByRole('button', { name: 'Close' }).last());
}

async function repairAndReplay(now: Visit, webhook: string, endpoint: string): Promise<void> {
  const { hand, within, document } = now;
  await go(now, 'Deliveries');
  const shown = rows(now, webhook);
  // As they happen: nobody reloads the page.
  const failed = shown.filter({ hasText: 'Failed' });
  await failed.nth(1).waitFor();
  await expectAccessible(document);

  await hand.open(failed.last());
  await within.getByText('Not delivered: 404 after 2 attempts').waitFor();
  await within.getByText('The receiver does not know this path.').first().waitFor();
  await hand.press(within.getByRole('button', { name: /^Attempt 1/ }));
  await within.getByText('"error": "the database is down"').waitFor();
  await expectAccessible(document);

  repaired.add(endpoint);
  await hand.press(button(now, 'More actions'));
  await hand.pick(within.getByRole('menuitem', { name: 'Replay all that failed since this one' }));
  await within.getByText('2 deliveries will be sent again.').waitFor();
  await expectAccessible(document);
  await hand.press(button(now, 'Start the replay'));
  await link(now, 'See its progress').waitFor();
  await hand.press(within.getByRole('dialog').getByRole('button', { name: 'Close' }));
  await within.getByRole('heading', { level: 1 }).getByText('Succeeded').waitFor();
  await expectAccessible(document);

  await go(now, 'Deliveries');
  await shown.filter({ hasText: 'Succeeded' }).nth(1).waitFor();
  await soon(async () => expect(await failed.count()).toBe(0));
  await go(now, 'Replays');
  await within
    .getByRole('row', { name: /Completed/ })
    .first()
    .waitFor();
  await expectAccessible(document);
}
