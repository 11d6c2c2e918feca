import styles from './toolbar.module.css';

/** Search and filters above a list: side by side, or one below the other where there is little room. */
export function Toolbar({ children }: { children: React.ReactNode }): React.ReactNode {
  return <div className={styles.bar}>{children}</div>;
}
