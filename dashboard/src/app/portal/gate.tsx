import { Activity, useEffect } from 'react';
import { RouterProvider } from '@tanstack/react-router';
import { actFor } from '../../api/http';
import { texts } from '../../texts';
import { QueryState } from '../../ui/query-state';
import { AccessContext } from '../access';
import { given } from '../address';
import { Alone } from '../alone';
import { router } from '../router';
import { keepLinked, usePortalLink, type Linked, type PortalLink } from './link';
import { askParent } from './parent';
import { followTheme } from './theme';
import styles from '../app.module.css';

const words = texts.portal;

/** The portal, or why it can't be shown; what was typed there waits for another link. */
export function PortalGate(): React.ReactNode {
  const linked = usePortalLink(given.get('token'));
  useEffect(() => {
    followTheme(given.get('theme'));
    keepLinked();
    askParent('ready');
  }, []);
  const { data } = linked;
  const state = data?.state;
  useEffect(() => {
    if (state !== undefined && state !== 'in') document.title = words[state].title;
  }, [state]);
  return (
    <>
      {data && 'link' in data && (
        <Activity key={data.link.projectId} mode={state === 'in' ? 'visible' : 'hidden'}>
          <Portal link={data.link} />
        </Activity>
      )}
      {state !== 'in' && (
        <Alone>
          <QueryState query={linked}>{() => state && <Advice state={state} />}</QueryState>
        </Alone>
      )}
    </>
  );
}

function Advice({ state }: { state: Exclude<Linked['state'], 'in'> }): React.ReactNode {
  const { title, advice } = words[state];
  return (
    <div className={styles.signIn}>
      <h1 className={styles.signInTitle}>{title}</h1>
      <p className={styles.muted}>{advice}</p>
    </div>
  );
}

function Portal({ link }: { link: PortalLink }): React.ReactNode {
  actFor(link.projectId);
  return (
    <AccessContext
      value={{
        session: {
          role: 'portal',
          keyId: null,
          projectId: link.projectId,
          expiresAt: new Date(link.expiresAt).toISOString(),
        },
        projectId: link.projectId,
        isAdmin: false,
        canWrite: link.capabilities === 'manage',
        isPlatform: false,
        canPublish: false,
        project: null,
        switchProject: () => {},
      }}
    >
      <RouterProvider router={router} />
    </AccessContext>
  );
}
