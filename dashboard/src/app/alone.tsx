import { useRef } from 'react';
import { useKeptFocus } from './kept-focus';
import styles from './app.module.css';

/** Around what is shown without the shell: there is nobody, or no project, whose pages it could be around. */
export function Alone({ children }: { children: React.ReactNode }): React.ReactNode {
  const main = useRef<HTMLElement>(null);
  useKeptFocus(main);
  return (
    <main ref={main} className={styles.alone}>
      {children}
    </main>
  );
}
