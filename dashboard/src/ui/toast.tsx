import { Toast } from '@base-ui/react/toast';
import { texts } from '../texts';
import { classes } from './class-names';
import { IconButton } from './button';
import { Icon } from './icon';
import styles from './toast.module.css';

const manager = Toast.createToastManager();

const SHOWN_MS = { success: 5_000, error: 12_000 };

/** Tells something that has happened, from anywhere. */
export function notify({
  kind,
  title,
  description,
}: {
  kind: 'success' | 'error';
  title: string;
  description?: string;
}): void {
  manager.add({
    type: kind,
    title,
    ...(description && { description }),
    timeout: SHOWN_MS[kind],
    // A failure interrupts a screen reader, a success waits for a pause.
    priority: kind === 'error' ? 'high' : 'low',
  });
}

function Shown(): React.ReactNode {
  const { toasts } = Toast.useToastManager();
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
