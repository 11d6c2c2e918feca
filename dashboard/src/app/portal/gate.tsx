import { useEffect } from 'react';
import { RouterProvider } from '@tanstack/react-router';
import { actFor } from '../../api/http';
import { texts } from '../../texts';
import { QueryState } from '../../ui/query-state';
import { AccessContext } from '../access';
import { given } from '../address';
import { router } from '../router';
import { keepLinked, usePortalLink, type PortalLink } from './link';
import { askParent } from './parent';
import { followTheme } from './theme';
import styles from '../app.module.css';

const words = texts.portal;

/** The portal, or why it can't be shown. */
export function PortalGate(): React.ReactNode {
  const linked = usePortalLink(given.get('token'));
  useEffect(() => {
    followTheme(given.get('theme'));
    keepLinked();
    askParent('ready');
  }, []);
  const state = linked.data?.state;
  useEffect(() => {
    if (state !== undefined && state !== 'in') document.title = words[state].title;
  }, [state]);
  if (linked.data?.state === 'in') return <Portal link={linked.data.link} />;
  return (
    <main className={styles.alone}>
      <QueryState query={linked}>
        {(data) =>
          data.state === 'in' ? null : (
            <div className={styles.signIn}>
              <h1 className={styles.signInTitle}>{words[data.state].title}</h1>
              <p className={styles.muted}>{words[data.state].advice}</p>
            </div>
          )
        }
      </QueryState>
    </main>
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
