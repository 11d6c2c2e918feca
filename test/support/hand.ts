import type { Locator, Page } from 'playwright-core';

/** How somebody uses a page. */
export interface Hand {
  press: (what: Locator) => Promise<void>;
  /** Of the menu that is open. */
  pick: (item: Locator) => Promise<void>;
  /** Of a list whose rows can be opened. */
  open: (row: Locator) => Promise<void>;
  write: (field: Locator, text: string) => Promise<void>;
}

/** With a mouse, or a finger. */
export const pointing: Hand = {
  press: (what) => what.click(),
  pick: (item) => item.click(),
  open: (row) => row.click(),
  write: (field, text) => field.fill(text),
};

/** With the keyboard alone: what has no focus can't be used. */
export const typing = (page: Page): Hand => {
  const enter = (key: string) => async (what: Locator) => {
    await moveTo(page, what, key);
    await page.keyboard.press('Enter');
  };
  return {
    press: enter('Tab'),
    pick: enter('ArrowDown'),
    open: enter('j'),
    write: async (field, text) => {
      await moveTo(page, field);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.insertText(text);
    },
  };
};

const MOST_PRESSES = 100;
const PRECEDING = 2;

/** Presses the key until the focus is there; Tab backwards as well. */
async function moveTo(page: Page, what: Locator, key = 'Tab'): Promise<void> {
  await what.waitFor();
  for (let presses = 0; presses < MOST_PRESSES; presses += 1) {
    const position = await what.evaluate((element) => {
      const { activeElement } = element.ownerDocument;
      return activeElement === element ? null : activeElement.compareDocumentPosition(element);
    });
    if (position === null) return;
    await page.keyboard.press(key === 'Tab' && position & PRECEDING ? 'Shift+Tab' : key);
  }
  throw new Error(`${key} does not lead to ${String(what)}`);
}
