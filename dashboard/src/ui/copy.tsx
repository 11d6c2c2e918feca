import { useEffect, useState } from 'react';
import { texts } from '../texts';
import { IconButton } from './button';
import { classes } from './class-names';
import { Icon } from './icon';
import { inert } from './inert';
import { notify } from './toast';
import styles from './copy.module.css';

const CONFIRMED_MS = 1_500;

/** As pages copied before `navigator.clipboard`, which plain http and most frames don't have. */
function copyByCommand(text: string): boolean {
  const put = (event: ClipboardEvent): void => {
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
  };
  document.addEventListener('copy', put, true);
  try {
    return document.execCommand('copy');
  } finally {
    document.removeEventListener('copy', put, true);
  }
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

/** @returns whether it has just been copied, and the function that copies it */
export function useCopy(text: string, onCopied?: () => void): readonly [boolean, () => void] {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), CONFIRMED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async (): Promise<void> => {
    if (await copyText(text)) {
      setCopied(true);
      onCopied?.();
    } else {
      notify({ kind: 'error', title: texts.common.copyFailed });
    }
  };
  return [isCopied, () => void copy()];
}

/** An id or a URL that a click copies. `what` names it for screen readers. */
export function CopyId({
  value,
  what,
  shown = value,
}: {
  value: string;
  what: string;
  shown?: string;
}): React.ReactNode {
  const [isCopied, copy] = useCopy(value);
  return (
    <button
      type="button"
      className={styles.id}
      title={value}
      aria-label={`${texts.common.copyWhat(what)}: ${value}`}
      onClick={copy}
    >
      <bdi className={styles.text}>{shown}</bdi>
      <Icon name={isCopied ? 'check' : 'copy'} size={12} />
      <span className="visually-hidden" role="status">
        {isCopied ? texts.common.copied : ''}
      </span>
    </button>
  );
}

/** Text as it is, never interpreted; it is copied as it is, and shown with what is hidden in it. `label` names it for screen readers and its copy button. */
export function CodeBlock({
  code,
  label,
  isWrapped = false,
}: {
  code: string;
  label: string;
  isWrapped?: boolean;
}): React.ReactNode {
  const [isCopied, copy] = useCopy(code);
  return (
    <div className={classes(styles.block, isWrapped && styles.wraps)}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keyboard */}
      <pre tabIndex={0} role="region" aria-label={label}>
        <bdi>{inert(code)}</bdi>
      </pre>
      <IconButton
        size="small"
        className={styles.copy}
        icon={isCopied ? 'check' : 'copy'}
        label={isCopied ? texts.common.copied : texts.common.copyWhat(label)}
        onClick={copy}
      />
    </div>
  );
}
