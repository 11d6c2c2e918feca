import { createContext, use, useEffect, useState, type ReactNode } from 'react';
import { actFor } from '../api/http';
import { keyOf } from '../api/lists';
import { isMissing, useTroubleOf } from '../api/problem';
import { useProject, useProjects } from '../api/projects';
import { queryClient } from '../api/query-client';
import type { Project, Session } from '../api/types';
import { texts } from '../texts';
import { EmptyState } from '../ui/layout';
import { LoadError, Loading } from '../ui/query-state';
import { notify } from '../ui/toast';
import { Alone } from './alone';
import { NewProjectButton } from './new-project-button';
import { setPreferences, usePreferences } from './preferences';

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

const switchProject = (projectId: string): void => setPreferences({ projectId });

/** Nothing is asked before the project is known, and everything is asked again for another one. */
export function AccessProvider({
  session,
  onProjectGone,
  children,
}: {
  session: Session;
  /** What its pages show is gone with it. */
  onProjectGone: () => void;
  children: ReactNode;
}): ReactNode {
  const isAdmin = session.role === 'admin';
  const preferred = usePreferences().projectId;
  const chosen = isAdmin ? preferred : null;
  const projects = useProjects('', isAdmin);
  const open = useProject(chosen ?? '', chosen !== null);
  const trouble = useTroubleOf(open);
  const isGone = isMissing(trouble);
  // The list may still have it.
  const [goneId, setGoneId] = useState<string | null>(null);
  const listed = projects.items.find(
    ({ id }) => id !== goneId && (chosen === null || id === chosen),
  );
  const project = isGone ? undefined : (open.data ?? listed);
  const openId = project?.id;
  useEffect(() => {
    // It stays open in this tab, whatever others choose, and whichever is the first later.
    if (openId !== undefined) switchProject(openId);
  }, [openId]);
  useEffect(() => {
    if (!isGone) return;
    notify({ kind: 'success', title: texts.app.project.deleted });
    onProjectGone();
    const leave = async (): Promise<void> => {
      await queryClient.invalidateQueries({ queryKey: keyOf('projects', 'list') });
      setGoneId(chosen);
      setPreferences({ projectId: null });
    };
    void leave();
  }, [isGone, chosen, onProjectGone]);
  if (isAdmin && !project) {
    const error = isGone || chosen === null ? projects.error : trouble;
    const isNone = chosen === null && !projects.isLoading;
    return (
      <Alone>
        {error ? (
          <LoadError
            error={error}
            isBusy={projects.isRefreshing || open.isLoading}
            onRetry={() => {
              projects.refresh();
              if (chosen !== null) void open.refetch();
            }}
          />
        ) : isNone ? (
          <EmptyState
            isPage
            icon="horn"
            title={texts.app.project.none}
            actions={<NewProjectButton kind="primary" onCreated={switchProject} />}
          >
            {texts.app.project.noneAdvice}
          </EmptyState>
        ) : (
          <Loading />
        )}
      </Alone>
    );
  }
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
  return <AccessContext value={access}>{children}</AccessContext>;
}
