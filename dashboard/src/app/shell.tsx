import { Link, Outlet, useRouter } from '@tanstack/react-router';
import { Fragment, useEffect, useRef, useState } from 'react';
import { PORTAL_PROJECT } from '../portal-project';
import { explain, isAskedAgain } from '../api/problem';
import { useTrouble } from '../api/query-client';
import { texts } from '../texts';
import { Button, IconButton } from '../ui/button';
import { Drawer } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { Notice } from '../ui/layout';
import { useAccess } from './access';
import { AccountMenu } from './account-menu';
import { Find } from './find';
import { useKeptFocus } from './kept-focus';
import { NAVIGATION } from './navigation';
import { useBrand } from './portal/theme';
import { ProjectSwitcher } from './project-switcher';
import { Shortcuts } from './shortcuts';
import styles from './shell.module.css';

const words = texts.app;

/** Around each page: navigation, project, account, shortcuts. */
export function Shell(): React.ReactNode {
  const { projectId } = useAccess();
  const main = useRef<HTMLElement>(null);
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useFocusAfterNavigation(main);
  useKeptFocus(main);
  const side = (
    <div className={styles.inner}>
      <Brand size={22} />
      <ProjectSwitcher onChosen={() => setDrawerOpen(false)} />
      <Find onAsked={() => setDrawerOpen(false)} />
      <Navigation onChosen={() => setDrawerOpen(false)} />
      <AccountMenu onHelp={() => setHelpOpen(true)} />
    </div>
  );
  return (
    <div className={styles.shell}>
      <Button className={styles.skip} kind="primary" onClick={() => main.current?.focus()}>
        {words.skip}
      </Button>
      <header className={styles.side}>{side}</header>
      <header className={styles.bar}>
        <IconButton icon="menu" label={words.openMenu} onClick={() => setDrawerOpen(true)} />
        <Brand size={20} />
      </header>
      <Drawer isOpen={isDrawerOpen} onClose={() => setDrawerOpen(false)} title={words.navigation}>
        {side}
      </Drawer>
      <main ref={main} tabIndex={-1} className={styles.main}>
        <Trouble />
        {/* Another project's page begins anew; the navigation stays, and so does the focus in it. */}
        <Fragment key={projectId}>
          <Outlet />
        </Fragment>
      </main>
      <Shortcuts isHelpOpen={isHelpOpen} onHelp={setHelpOpen} />
    </div>
  );
}

/** That the page can't be kept up to date, and why. */
function Trouble(): React.ReactNode {
  const trouble = useTrouble();
  const { outdated, retrying } = texts.problems;
  return (
    <div role="status" className={styles.trouble}>
      {trouble && (
        <Notice tone="warning" title={explain(trouble).title}>
          {outdated} {isAskedAgain(trouble) ? retrying : explain(trouble).advice}
        </Notice>
      )}
    </div>
  );
}

/** Ours, or in the portal that of whoever embeds it. */
function Brand({ size }: { size: number }): React.ReactNode {
  const { logo, name } = useBrand();
  const isOurs = PORTAL_PROJECT === null;
  return (
    <Link to="/" className={styles.brand}>
      {logo === null ? (
        <Icon name={isOurs ? 'horn' : 'webhook'} size={size} />
      ) : (
        <img src={logo} alt="" className={styles.logo} />
      )}
      {name ?? words.product}
    </Link>
  );
}

function Navigation({ onChosen }: { onChosen: () => void }): React.ReactNode {
  return (
    <nav aria-label={words.navigation} className={styles.nav}>
      {NAVIGATION.map(({ label, items }) => (
        <div key={label} className={styles.group}>
          {label !== null && <div className={styles.groupLabel}>{label}</div>}
          {items.map(({ to, label: name, icon }) => (
            <Link
              key={to}
              to={to}
              className={styles.link}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              onClick={onChosen}
            >
              <Icon name={icon} />
              {name}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  );
}

/** To the new page's heading, or to the page while it is being loaded; not when only filters change. */
function useFocusAfterNavigation(main: React.RefObject<HTMLElement | null>): void {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe('onRendered', ({ pathChanged, fromLocation }) => {
        if (fromLocation === undefined || !pathChanged) return;
        const heading = main.current?.querySelector('h1');
        (heading ?? main.current)?.focus({ preventScroll: true });
      }),
    [router, main],
  );
}
