import { Tabs as Base } from '@base-ui/react/tabs';
import styles from './tabs.module.css';

/** `value` and `onChange` together: the page decides which is open, for example by the address. */
export function Tabs({
  label,
  tabs,
  value,
  onChange,
}: {
  label: string;
  tabs: readonly { value: string; label: string; content: React.ReactNode }[];
  value?: string;
  onChange?: (value: string) => void;
}): React.ReactNode {
  const state =
    value === undefined
      ? { defaultValue: tabs[0]?.value }
      : { value, onValueChange: (chosen: string) => onChange?.(chosen) };
  return (
    <Base.Root {...state}>
      <Base.List className={styles.list} aria-label={label}>
        {tabs.map((tab) => (
          <Base.Tab key={tab.value} value={tab.value} className={styles.tab}>
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} className={styles.panel}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
