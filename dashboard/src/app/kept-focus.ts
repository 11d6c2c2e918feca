import { useEffect, type RefObject } from 'react';

/** Rows come and go as their list is scrolled, and keys lead back to the one that had the focus last. */
const ROW = '[data-index]';
const LIST = '[role="grid"]';

/**
 * What had the focus may go with what it did, as a button that tries again: what takes its place gets the focus
 * then, or what it was in.
 */
export function useKeptFocus(within: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const root = within.current!;
    let last: Element | null = null;
    const onFocusIn = (event: FocusEvent): void => {
      last = event.target as Element;
    };
    const onFocusOut = (): void => {
      const left = last;
      // Some browsers say so too when it is removed, which has happened by then.
      queueMicrotask(() => {
        if (last === left && left?.isConnected) last = null;
      });
    };
    const observer = new MutationObserver((changes) => {
      if (last === null || last.isConnected || document.activeElement !== document.body) return;
      const gone = last;
      last = null;
      if (gone.closest(ROW)) return;
      for (const place of placesOf(gone, changes)) {
        if (takesFocus(place)) return;
      }
    });
    root.addEventListener('focusin', onFocusIn);
    root.addEventListener('focusout', onFocusOut);
    observer.observe(root, { childList: true, subtree: true });
    return () => {
      root.removeEventListener('focusin', onFocusIn);
      root.removeEventListener('focusout', onFocusOut);
      observer.disconnect();
    };
  }, [within]);
}

/** What is there now where something was removed, the nearest first. */
function placesOf(gone: Element, changes: readonly MutationRecord[]): HTMLElement[] {
  let lost: Node = gone;
  let before: Node | null = null;
  // What it was in may have been removed later.
  for (const { target, removedNodes, previousSibling } of changes) {
    if (![...removedNodes].some((node) => node.contains(lost))) continue;
    lost = target;
    before = previousSibling;
  }
  let next = before?.parentNode === lost ? before.nextSibling : lost.firstChild;
  while (next !== null && !(next instanceof HTMLElement)) next = next.nextSibling;
  const list = next?.matches(LIST) ? next : next?.querySelector(LIST);
  return [list, next, lost].filter((place) => place instanceof HTMLElement);
}

function takesFocus(place: HTMLElement): boolean {
  if (place.tabIndex < 0) place.tabIndex = -1;
  place.focus({ preventScroll: true });
  return document.activeElement === place;
}
