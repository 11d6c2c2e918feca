import { createContext, Fragment, use, useState, type ReactNode } from 'react';
import { actFor, credentials } from '../api/http';
import { Problem, troubleOf } from '../api/problem';
import { useProject, useProjects } from '../api/projects';
import type { Project, Session } from '../api/types';
import { texts } from '../texts';
import { EmptyState } from '../ui/layout';
import { LoadError, Loading } from '../ui/query-state';
import { NewProjectButton } from './new-project-button';
import { chooseProject } from './session';
import styles from './app.module.css';

/** `portal`: a customer with a link. */
export type SignedIn = Pick<Session, 'projectId' | 'expiresAt'> & {
  role: Session['role'] | 'portal';
  /** Of the key whose session it is; null: there is none, in the portal. */
  keyId: string | null;
};

/** Who is signed in, for which project, and what they may do there. */
export interface Access {
  session: SignedIn;
  projectId: string;
  isAdmin: boolean;
  /** False: whoever is signed in may only look. */
  canWrite: boolean;
  /** False: a customer, in the portal, who does not decide how often is tried. */
  isPlatform: boolean;
  /** May send events, and change their types. */
  canPublish: boolean;
  /** The admin's; null: nobody else may see it. */
  project: Project | null;
  switchProject: (id: string) => void;
}

export const AccessContext = createContext<Access | null>(null);

export function useAccess(): Access {
  const access = use(AccessContext);
  if (!access) throw new Error('useAccess is for what is inside of AccessProvider');
  return access;
}

/** Nothing is asked before the project is known, and everything is asked again for another one. */
export function AccessProvider({
  session,
  children,
}: {
  session: Session;
  children: ReactNode;
}): ReactNode {
  const isAdmin = session.role === 'admin';
  const projects = useProjects('', isAdmin);
  const [chosen, setChosen] = useState(credentials.projectId);
  const switchProject = (id: string): void => {
    chooseProject(id);
    setChosen(id);
  };
  const listed = projects.items.find(({ id }) => id === chosen);
  // With hundreds of projects, it may be on a later page; or it was deleted.
  const isElsewhere = isAdmin && chosen !== null && listed === undefined && projects.hasMore;
  const elsewhere = useProject(chosen ?? '', isElsewhere);
  const elsewhereError = troubleOf(elsewhere);
  const isGone = elsewhereError instanceof Problem && elsewhereError.status === 404;
  const isLoading = projects.isLoading || (elsewhere.isLoading && elsewhereError === null);
  const error =
    projects.items.length === 0 ? projects.error : isGone || elsewhere.data ? null : elsewhereError;
  if (isAdmin && (isLoading || error || projects.items.length === 0)) {
    return (
      <main className={styles.alone}>
        {isLoading ? (
          <Loading />
        ) : error ? (
          <LoadError
            error={error}
            onRetry={() => {
              projects.refresh();
              if (isElsewhere) void elsewhere.refetch();
            }}
          />
        ) : (
          <EmptyState
            icon="horn"
            title={texts.app.project.none}
            actions={<NewProjectButton kind="primary" onCreated={switchProject} />}
          >
            {texts.app.project.noneAdvice}
          </EmptyState>
        )}
      </main>
    );
  }
  const project =
    listed ?? (isElsewhere && !isGone ? elsewhere.data : undefined) ?? projects.items[0];
  const projectId = session.projectId ?? project!.id;
  actFor(projectId);
  const canWrite = session.role === 'admin' || session.role === 'owner';
  const access: Access = {
    session,
    projectId,
    isAdmin,
    canWrite,
    isPlatform: true,
    canPublish: canWrite,
    project: project ?? null,
    switchProject,
  };
  return (
    <AccessContext value={access}>
      <Fragment key={projectId}>{children}</Fragment>
    </AccessContext>
  );
}
