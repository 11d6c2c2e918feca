import { Dialog as Base } from '@base-ui/react/dialog';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { texts } from '../texts';
import { Button, IconButton } from './button';
import { classes } from './class-names';
import styles from './dialog.module.css';

/** What had the focus last that stays: the button of a menu, when one of its items has it. */
let lastFocused: Element | null = null;
const isInMenu = (element: Element): boolean => element.closest('[role="menu"]') !== null;
document.addEventListener('focusin', ({ target }) => {
  if (target instanceof Element && !isInMenu(target)) lastFocused = target;
});

interface DialogProps {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  description?: React.ReactNode;
  children?: React.ReactNode;
  /** Buttons, the most important last. */
  actions?: React.ReactNode;
  size?: 'normal' | 'wide';
  /** False: only its buttons close it, where closing by accident would lose something. */
  isDismissible?: boolean;
}

export function Dialog({
  isOpen,
  onClose,
  title,
  description,
  children,
  actions,
  size = 'normal',
  isDismissible = true,
}: DialogProps): React.ReactNode {
  const popup = useRef<HTMLDivElement>(null);
  const opener = useRef<Element>(null);
  const wasOpen = useRef(false);
  useLayoutEffect(() => {
    // Not when it is shown again after its session had ended.
    if (isOpen && !wasOpen.current) {
      const { activeElement } = document;
      opener.current = activeElement && isInMenu(activeElement) ? lastFocused : activeElement;
    }
    wasOpen.current = isOpen;
  }, [isOpen]);
  return (
    <Base.Root
      open={isOpen}
      disablePointerDismissal={!isDismissible}
      onOpenChange={(open, { reason }) => {
        if (!open && (isDismissible || reason !== 'escape-key')) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup
          ref={popup}
          className={classes(styles.popup, size === 'wide' && styles.wide)}
          finalFocus={() => returnFocus(popup.current, opener.current)}
        >
          <div className={styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            {isDismissible && (
              <Base.Close
                render={<IconButton icon="close" size="small" label={texts.common.close} />}
              />
            )}
          </div>
          {description !== undefined && (
            <Base.Description render={<div />} className={styles.description}>
              {description}
            </Base.Description>
          )}
          {children !== undefined && <div className={styles.body}>{children}</div>}
          {actions !== undefined && <div className={styles.foot}>{actions}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** To what it was opened from; where that is gone, to the page's heading. */
function returnFocus(popup: HTMLElement | null, opener: Element | null): HTMLElement | false {
  const { activeElement, body } = document;
  // Whoever was led elsewhere stays there.
  if (activeElement !== body && !popup?.contains(activeElement)) return false;
  // It is given back in a microtask that is queued after this, and what takes it may go in the same moment.
  queueMicrotask(() =>
    queueMicrotask(() => {
      if (document.activeElement !== document.body) return;
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    }),
  );
  const isThere = opener instanceof HTMLElement && opener !== body && opener.isConnected;
  return isThere && opener;
}

/** The navigation of narrow windows. */
export function Drawer({
  isOpen,
  onClose,
  title,
  children,
}: Pick<DialogProps, 'isOpen' | 'onClose' | 'title' | 'children'>): React.ReactNode {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={classes(styles.popup, styles.drawer)}>
          <Base.Title className="visually-hidden">{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** Asks before something that is hard to undo. `onConfirm` closes it when it has succeeded. */
export function ConfirmDialog({
  confirm,
  onConfirm,
  isDangerous = false,
  ...dialog
}: Omit<DialogProps, 'actions' | 'isDismissible'> & {
  confirm: string;
  onConfirm: () => Promise<unknown>;
  isDangerous?: boolean;
}): React.ReactNode {
  const [isBusy, setBusy] = useState(false);
  const isShown = useRef(false);
  const { isOpen, onClose } = dialog;
  useEffect(() => {
    isShown.current = isOpen;
    return () => void (isShown.current = false);
  }, [isOpen]);
  const act = async (): Promise<void> => {
    setBusy(true);
    try {
      await onConfirm();
      // Whoever has left it meanwhile may have opened another, which `onClose` would close.
      if (isShown.current) onClose();
    } catch {
      // The mutation has told why; the dialog stays, to try again.
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      {...dialog}
      actions={
        <>
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button
            kind={isDangerous ? 'danger' : 'primary'}
            isBusy={isBusy}
            onClick={() => void act()}
          >
            {confirm}
          </Button>
        </>
      }
    />
  );
}
