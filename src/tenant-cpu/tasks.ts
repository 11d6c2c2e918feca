import {
  checkData,
  checkDefinition,
  inspectBody,
  markTests,
  readEvents,
} from '../api/events/body-checks';
import { readReports } from '../api/platform/native-reports';
import { checkFilter, judgeFilters } from './filters';

/** What tenants can make as costly as they like: pure functions of what can be sent to a process and back. */
export const tasks = {
  readEvents,
  checkData,
  checkDefinition,
  inspectBody,
  markTests,
  readReports,
  checkFilter,
  judgeFilters,
};

export type Tasks = typeof tasks;
export type Input<N extends keyof Tasks> = Parameters<Tasks[N]>[0];
export type Output<N extends keyof Tasks> = ReturnType<Tasks[N]>;

export interface Job {
  name: keyof Tasks;
  input: unknown;
  /** Milliseconds that it may take. */
  limitMs: number;
}

/** What a process says: that it takes a job; what came out and the CPU time that it took; or what a bug threw. */
export type Said = 'ready' | { output: unknown; tookMs: number } | { failed: string };
