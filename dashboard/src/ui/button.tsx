import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, Ref } from 'react';
import { classes } from './class-names';
import { Icon, type IconName } from './icon';
import styles from './button.module.css';

interface Look {
  kind?: 'primary' | 'secondary' | 'ghost' | 'danger';
  size?: 'medium' | 'small';
  icon?: IconName;
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> &
  Look & { isBusy?: boolean; refusal?: string | null; ref?: Ref<HTMLButtonElement> };

const look = ({ kind = 'secondary', size = 'medium' }: Look, className?: string): string =>
  classes(styles.button, styles[kind], size === 'small' && styles.small, className);

/**
 * `isBusy`: it has been pressed, and its work is not done. `refusal`: why it can't be pressed here, which is its
 * description; it stands on the page as well.
 */
export function Button({
  kind,
  size,
  icon,
  isBusy = false,
  refusal = null,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps): React.ReactNode {
  const isInert = isBusy || refusal !== null;
  return (
    <button
      type="button"
      {...(refusal !== null && { title: refusal })}
      {...rest}
      className={look({ kind, size }, className)}
      aria-busy={isBusy || undefined}
      // Not `disabled`, which would take the focus away from whoever pressed it, or asks why it can't be.
      aria-disabled={isInert || undefined}
      onClick={isInert ? (event) => event.preventDefault() : onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<ButtonProps, 'children' | 'icon' | 'refusal'> & {
  icon: IconName;
  label: string;
};

/** A button with a picture only; `label` is its name for screen readers and its tooltip. */
export function IconButton({
  icon,
  label,
  kind = 'ghost',
  size,
  isBusy: _isBusy,
  className,
  ...rest
}: IconButtonProps): React.ReactNode {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={look({ kind, size }, classes(styles.icon, className))}
    >
      <Icon name={icon} size={18} />
    </button>
  );
}

type AnchorProps = AnchorHTMLAttributes<HTMLAnchorElement> &
  Look & { ref?: Ref<HTMLAnchorElement> };

/** A link to somewhere outside of the dashboard that looks like a button. */
export function AnchorButton({
  kind,
  size,
  icon,
  className,
  children,
  ...rest
}: AnchorProps): React.ReactNode {
  return (
    <a {...rest} className={look({ kind, size }, className)}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}

/** A link to a page that looks like a button. */
export const LinkButton = createLink(AnchorButton);
