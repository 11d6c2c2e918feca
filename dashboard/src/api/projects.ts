import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { request, type Query } from './http';
import { keyOf, useAct, useList, useOne, type List } from './lists';
import { queryClient } from './query-client';
import type { AuditEntry, Key, NewKey, Project } from './types';
import { texts } from '../texts';

/** For the admin only. @param q a piece of a name, or an id */
export const useProjects = (q = '', isAdmin = true): List<Project> =>
  useList<Project>(
    'projects',
    'projects',
    { q },
    {
      pageSize: 100,
      enabled: isAdmin,
      keepsFormer: true,
    },
  );

/** For the admin only. */
export const useProject = (id: string, isAdmin: boolean): UseQueryResult<Project> =>
  useOne<Project>('projects', ['one', id], `v1/projects/${id}`, {
    refetchMs: 5_000,
    enabled: isAdmin,
  });

/** One of a list, so that it is there at once when it is opened. */
export const rememberProject = (project: Project): void =>
  void queryClient.setQueryData(keyOf('projects', 'one', project.id, undefined), project);

export const useCreateProject = (): UseMutationResult<
  Project,
  Error,
  Pick<Project, 'name' | 'profile'>
> =>
  useAct({
    run: (body) => request<Project>('POST', 'v1/projects', { body }),
    done: texts.app.newProject.done,
    changes: ['projects'],
    isQuiet: true,
  });

export const useUpdateProject = (id: string): UseMutationResult<Project, Error, Partial<Project>> =>
  useAct({
    run: (body) => request<Project>('PATCH', `v1/projects/${id}`, { body }),
    done: texts.settings.done.saved,
    changes: ['projects', 'webhooks', 'event-types', 'audit'],
    isQuiet: true,
  });

/** `key` null removes it. Providers' keys are set, and never shown. */
export const useSetProviderKey = (
  id: string,
  isQuiet: boolean,
): UseMutationResult<Project, Error, { provider: string; key: string | null }> =>
  useAct({
    run: ({ provider, key }) =>
      request<Project>('PATCH', `v1/projects/${id}`, {
        body: { providerKeys: { [provider]: key } },
      }),
    done: (_project, { key }) =>
      key === null ? texts.settings.done.keyRemoved : texts.settings.done.keySaved,
    changes: ['projects', 'audit'],
    isQuiet,
  });

export const useDeleteProject = (id: string): UseMutationResult<unknown, Error, void> =>
  useAct({
    run: () => request('DELETE', `v1/projects/${id}`),
    // That it is gone is told to whoever has it open.
    changes: ['projects'],
    isQuiet: true,
  });

export const useKeys = (projectId: string): List<Key> =>
  useList<Key>(`projects/${projectId}/keys`, 'keys');

export const useCreateKey = (
  projectId: string,
): UseMutationResult<NewKey, Error, { name: string; role: Key['role']; expiresAt?: string }> =>
  useAct({
    run: (body) => request<NewKey>('POST', `v1/projects/${projectId}/keys`, { body }),
    doneLeft: texts.keys.done.createdLeft,
    changes: [`projects/${projectId}/keys`, 'audit'],
    isQuiet: true,
    isLeft: true,
  });

export const useRevokeKey = (
  projectId: string,
): UseMutationResult<unknown, Error, { id: string }> =>
  useAct({
    run: ({ id }) => request('DELETE', `v1/projects/${projectId}/keys/${id}`),
    done: texts.keys.done.revoked,
    changes: [`projects/${projectId}/keys`, 'audit'],
  });

export const useAudit = (filters: Query = {}): List<AuditEntry> =>
  useList<AuditEntry>('audit', 'entries', filters);
