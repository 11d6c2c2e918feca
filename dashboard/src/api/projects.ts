import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { request, type Query } from './http';
import { useAct, useList, useOne, type List } from './lists';
import type { AuditEntry, Key, NewKey, Project } from './types';
import { texts } from '../texts';

/** For the admin only. */
export const useProjects = (isAdmin: boolean): List<Project> =>
  useList<Project>('projects', 'projects', {}, { pageSize: 100, enabled: isAdmin });

/** For the admin only. */
export const useProject = (id: string, isAdmin: boolean): UseQueryResult<Project> =>
  useOne<Project>('projects', ['one', id], `v1/projects/${id}`, { enabled: isAdmin });

export const useUpdateProject = (id: string): UseMutationResult<Project, Error, Partial<Project>> =>
  useAct({
    run: (body) => request<Project>('PATCH', `v1/projects/${id}`, { body }),
    done: texts.settings.done.saved,
    changes: ['projects', 'audit'],
    isQuiet: true,
  });

export const useKeys = (projectId: string): List<Key> =>
  useList<Key>(`projects/${projectId}/keys`, 'keys');

export const useCreateKey = (
  projectId: string,
): UseMutationResult<NewKey, Error, { name: string; role: Key['role']; expiresAt?: string }> =>
  useAct({
    run: (body) => request<NewKey>('POST', `v1/projects/${projectId}/keys`, { body }),
    changes: [`projects/${projectId}/keys`, 'audit'],
    isQuiet: true,
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
