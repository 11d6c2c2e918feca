import { Menu as Base } from '@base-ui/react/menu';
import { useId, type ReactElement } from 'react';
import { classes } from './class-names';
import { Icon, type IconName } from './icon';
import styles from './menu.module.css';

/** `trigger` is the button that opens it. */
export function Menu({
  trigger,
  children,
  align = 'end',
}: {
  trigger: ReactElement;
  children: React.ReactNode;
  align?: 'start' | 'end';
}): React.ReactNode {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className={styles.positioner} sideOffset={4} align={align}>
          <Base.Popup className={styles.popup}>{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

interface ItemProps {
  icon?: IconName;
  children: React.ReactNode;
}

export function MenuItem({
  icon,
  children,
  onSelect,
  isDangerous = false,
  isDisabled = false,
  refusal = null,
}: ItemProps & {
  onSelect: () => void;
  isDangerous?: boolean;
  isDisabled?: boolean;
  /** Why it can't be chosen here; null: it can. */
  refusal?: string | null;
}): React.ReactNode {
  const whyId = useId();
  return (
    <Base.Item
      className={classes(styles.item, isDangerous && styles.danger)}
      disabled={isDisabled || refusal !== null}
      aria-describedby={refusal === null ? undefined : whyId}
      onClick={onSelect}
    >
      {icon && <Icon name={icon} />}
      {refusal === null ? (
        children
      ) : (
        <span>
          {children}
          <span id={whyId} className={styles.why}>
            {refusal}
          </span>
        </span>
      )}
    </Base.Item>
  );
}

/** `link` is a `<Link>` or an `<a>` without children. */
export function MenuLink({
  icon,
  children,
  link,
}: ItemProps & { link: ReactElement }): React.ReactNode {
  return (
    <Base.LinkItem className={styles.item} closeOnClick render={link}>
      {icon && <Icon name={icon} />}
      {children}
    </Base.LinkItem>
  );
}

/** One of several. */
export function MenuChoice<Value extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: Value | null;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
}): React.ReactNode {
  return (
    <Base.Group>
      <Base.GroupLabel className={styles.label}>{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(chosen) => onChange(chosen as Value)}>
        {options.map((option) => (
          <Base.RadioItem key={option.value} value={option.value} className={styles.item}>
            <span className={styles.check}>
              <Base.RadioItemIndicator render={<span />}>
                <Icon name="check" />
              </Base.RadioItemIndicator>
            </span>
            {option.label}
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

export function MenuSeparator(): React.ReactNode {
  return <Base.Separator className={styles.separator} />;
}
