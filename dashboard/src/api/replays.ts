import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { request, type Query } from './http';
import { useAct, useList, useOne, type List } from './lists';
import type { DeliveryStatus, Replay, ReplayDryRun } from './types';
import { texts } from '../texts';

export interface ReplayInput {
  webhookId?: string;
  statuses?: DeliveryStatus[];
  types?: string[];
  since: string;
  until: string;
  endedSince?: string;
  ratePerSecond?: number | null;
}

const CHANGES = ['replays', 'deliveries', 'stats', 'audit'];
const WATCH_MS = 2_000;
const ENDED: readonly Replay['status'][] = ['completed', 'cancelled'];

export const useReplays = (filters: Query = {}): List<Replay> =>
  useList<Replay>('replays', 'replays', filters, { refetchMs: 5_000 });

export const useReplay = (id: string): UseQueryResult<Replay> =>
  useOne<Replay>('replays', ['one', id], `v1/replays/${id}`, {
    refetchMs: (replay) => (replay && ENDED.includes(replay.status) ? false : WATCH_MS),
  });

/** Counts what a replay would send. */
export const useDryRun = (): UseMutationResult<ReplayDryRun, Error, ReplayInput> =>
  useAct({
    run: (body) => request<ReplayDryRun>('POST', 'v1/replays', { body: { ...body, dryRun: true } }),
    changes: [],
    isQuiet: true,
  });

/** @param projectId whose it is, where another one may be open by then, and nothing shows a refusal */
export const useStartReplay = (projectId?: string): UseMutationResult<Replay, Error, ReplayInput> =>
  useAct({
    run: (body) => request<Replay>('POST', 'v1/replays', { body, ...(projectId && { projectId }) }),
    done: texts.replays.done.started,
    changes: CHANGES,
    projectId,
    isQuiet: projectId === undefined,
  });

export const useControlReplay = (): UseMutationResult<
  Replay,
  Error,
  { id: string; what: 'pause' | 'resume' | 'cancel' }
> =>
  useAct({
    run: ({ id, what }) => request<Replay>('POST', `v1/replays/${id}/${what}`),
    done: (_replay, { what }) => texts.replays.done[what],
    changes: CHANGES,
  });
