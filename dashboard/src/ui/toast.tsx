import { Toast } from '@base-ui/react/toast';
import { useState } from 'react';
import { texts } from '../texts';
import { classes } from './class-names';
import { Button, IconButton } from './button';
import { Icon } from './icon';
import styles from './toast.module.css';

/** What can be done about it. */
interface Offer {
  label: string;
  /** If it fails, it tells why, and can be tried again. */
  act: () => Promise<unknown>;
}

const manager = Toast.createToastManager<{ offer?: Offer }>();

/** The longer one where there is something to do about it. */
const SHOWN_MS = { short: 5_000, long: 12_000 };

/** Tells something that has happened, from anywhere; an offer stays until it is taken or closed. */
export function notify({
  kind,
  title,
  description,
  offer,
}: {
  kind: 'success' | 'error';
  title: string;
  description?: string;
  offer?: Offer;
}): void {
  manager.add({
    type: kind,
    title,
    ...(description && { description }),
    ...(offer && { data: { offer } }),
    timeout: offer ? 0 : SHOWN_MS[kind === 'error' || description ? 'long' : 'short'],
    // A failure interrupts a screen reader, a success waits for a pause.
    priority: kind === 'error' ? 'high' : 'low',
  });
}

/** What one key was told is not for the next. */
export const withdrawAll = (): void => manager.close();

function Shown(): React.ReactNode {
  const { toasts } = Toast.useToastManager<{ offer?: Offer }>();
  return toasts.map((toast) => {
    const kind = toast.type === 'error' ? 'error' : 'success';
    return (
      <Toast.Root
        key={toast.id}
        toast={toast}
        // Base UI's `dialog` would be taken for something that asks.
        role="group"
        aria-modal={undefined}
        className={styles.toast}
        swipeDirection="right"
      >
        <span className={classes(styles.mark, styles[kind])}>
          <Icon name={kind === 'error' ? 'failure' : 'success'} size={18} />
        </span>
        <Toast.Content>
          <Toast.Title className={styles.title} />
          <Toast.Description className={styles.description} />
          {toast.data?.offer && <Offered toastId={toast.id} {...toast.data.offer} />}
        </Toast.Content>
        <Toast.Close
          // Base UI hides it from screen readers until it has the focus, which axe rightly dislikes.
          aria-hidden={false}
          render={<IconButton icon="close" size="small" label={texts.common.close} />}
        />
      </Toast.Root>
    );
  });
}

function Offered({ toastId, label, act }: Offer & { toastId: string }): React.ReactNode {
  const [isBusy, setBusy] = useState(false);
  const take = async (): Promise<void> => {
    setBusy(true);
    try {
      await act();
      manager.close(toastId);
    } catch {
      setBusy(false);
    }
  };
  return (
    <div className={styles.offer}>
      <Button size="small" isBusy={isBusy} onClick={() => void take()}>
        {label}
      </Button>
    </div>
  );
}

/** Where toasts appear; once in the app. */
export function Toasts(): React.ReactNode {
  return (
    <Toast.Provider toastManager={manager} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className={styles.viewport}>
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}
