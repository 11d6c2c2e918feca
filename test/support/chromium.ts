import axe from 'axe-core';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type Frame,
  type Locator,
  type Page,
} from 'playwright-core';
import { eventually, PATIENCE_MS } from './eventually';

/** Debian's; Playwright's own builds come from elsewhere. */
const CHROMIUM = process.env.TEST_CHROMIUM ?? '/usr/bin/chromium';

export const WIDE = { width: 1280, height: 800 };
/** What a small phone has. */
export const NARROW = { width: 380, height: 720 };

/** Makes of a page's browser one whose JSON always rounds. */
export const WITHOUT_RAW_JSON = 'delete JSON.rawJSON';

/** Makes a page remember what it has shown. */
const REMEMBERING = `
  window.shown = '';
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
    window.shown += added.map(({ textContent }) => textContent).join('\\n');
  }).observe(document, { subtree: true, childList: true });`;

/** Until a page is asked for again. */
const SOON_MS = 5000;

interface Look {
  theme?: 'light' | 'dark';
  viewport?: { width: number; height: number };
  /** Where whoever looks is, such as `Europe/Berlin`. */
  zone?: string;
  /** What the browser is to complain of. */
  refused?: RegExp;
  /** With which the browser is signed in already, as one that was closed and opened again. */
  key?: string;
}

/** Chromium for all tests of this file. What a page complains of fails the test in which it does. */
export function useChromium(): { visit: (url: string, look?: Look) => Promise<Page> } {
  let browser: Browser;
  let contexts: BrowserContext[] = [];
  let complaints: string[] = [];
  beforeAll(async () => {
    // Tests run as root in containers, where Chromium has no sandbox.
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox'],
      timeout: PATIENCE_MS,
    });
  });
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    contexts = [];
    const heard = complaints;
    complaints = [];
    expect(heard).toEqual([]);
  });
  afterAll(() => browser?.close());

  const visit = async (
    url: string,
    { theme = 'light', viewport = WIDE, zone, refused, key }: Look = {},
  ): Promise<Page> => {
    const context = await browser.newContext({
      viewport,
      colorScheme: theme,
      ...(zone !== undefined && { timezoneId: zone }),
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    contexts.push(context);
    context.setDefaultTimeout(PATIENCE_MS);
    await context.addInitScript(REMEMBERING);
    if (key !== undefined) {
      const { origin } = new URL(url);
      const session = { data: { key }, headers: { origin }, failOnStatusCode: true };
      await context.request.post(`${origin}/dashboard/session`, session);
    }
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // Refusals are answers that pages show; anything else is a mistake.
      const isRefusal = message.text().startsWith('Failed to load resource');
      const isExpected = isRefusal || refused?.test(message.text());
      if (message.type() === 'error' && !isExpected) complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  };
  return { visit };
}

/** The same, while it has the focus. */
export const focused = (element: Locator): Locator => element.and(element.page().locator(':focus'));

/** Waits until the page has said that since it was loaded: it may be for a moment only, which a look would miss. */
export const isTold = (page: Page, text: string): Promise<unknown> =>
  page.waitForFunction(
    (it) => (globalThis as unknown as { shown: string }).shown.includes(it),
    text,
  );

/** As people do it. */
export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}

/** Goes to the page of that heading by `g` and its key, again where a busy machine lets too long pass between the two. */
export async function goByKeys(page: Page, key: string, name: string): Promise<void> {
  const heading = page.getByRole('heading', { level: 1, name, exact: true });
  await eventually(`the page ${name} opens`, async () => {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    return heading.waitFor({ timeout: SOON_MS }).then(
      () => true,
      () => false,
    );
  });
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string; isInMenu: boolean }[];
}

const VIOLATIONS = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.map(({ html, failureSummary, target }) => ({
      html,
      failureSummary,
      isInMenu: document.querySelector(target[0])?.closest('[role="menu"]') instanceof Element,
    })),
  })),
)`;

/** By axe-core's rules, and nothing reaches beyond the side of the window. */
export async function expectAccessible(page: Page | Frame): Promise<void> {
  if (await page.evaluate<boolean>('typeof axe === "undefined"')) await page.evaluate(axe.source);
  const violations = await page.evaluate<Violation[]>(VIOLATIONS);
  // An open menu lies beside the landmarks: it belongs to its button.
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes
      .filter(({ isInMenu }) => id !== 'region' || !isInMenu)
      .map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary ?? ''}`),
  );
  expect(told).toEqual([]);
  const overhang = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  expect(overhang).toBe(0);
}
