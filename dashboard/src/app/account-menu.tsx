import { API_ROOT } from '../api/http';
import { PORTAL_PROJECT } from '../portal-project';
import { texts } from '../texts';
import { Button } from '../ui/button';
import { optionsOf } from '../ui/field';
import { Menu, MenuChoice, MenuItem, MenuLink, MenuSeparator } from '../ui/menu';
import { useAccess } from './access';
import { setPreferences, THEMES, usePreferences, ZONES } from './preferences';
import { useSignOut } from './session';
import styles from './shell.module.css';

const { account, theme, zone } = texts.app;

/** Who is signed in, how things are shown, help, and the way out. */
export function AccountMenu({ onHelp }: { onHelp: () => void }): React.ReactNode {
  const { session } = useAccess();
  const preferences = usePreferences();
  const signOut = useSignOut();
  return (
    <Menu
      align="start"
      trigger={
        <Button kind="ghost" icon="user" className={styles.account} title={account.open}>
          {account.role[session.role]}
        </Button>
      }
    >
      <MenuChoice
        label={theme.label}
        value={preferences.theme}
        options={optionsOf(THEMES, theme)}
        onChange={(chosen) => setPreferences({ theme: chosen })}
      />
      <MenuSeparator />
      <MenuChoice
        label={zone.label}
        value={preferences.zone}
        options={optionsOf(ZONES, zone)}
        onChange={(chosen) => setPreferences({ zone: chosen })}
      />
      <MenuSeparator />
      <MenuItem icon="keyboard" onSelect={onHelp}>
        {account.shortcuts}
      </MenuItem>
      <MenuLink
        icon="external"
        link={
          <a href={`${API_ROOT}docs`} target="_blank" rel="noreferrer" aria-label={account.docs} />
        }
      >
        {account.docs}
      </MenuLink>
      {PORTAL_PROJECT === null && (
        <>
          <MenuSeparator />
          <MenuItem onSelect={() => signOut.mutate()}>{account.signOut}</MenuItem>
        </>
      )}
    </Menu>
  );
}
