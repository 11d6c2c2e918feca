import {
  checkData,
  checkDefinition,
  inspectBody,
  markTests,
  readEvents,
} from '../api/events/body-checks';
import { readReports } from '../api/platform/native-reports';
import { checkFilter, judgeBodies, judgeFilters } from './filters';

/**
 * What tenants can make arbitrarily expensive: pure functions whose input and output can be sent between
 * processes.
 */
export const tasks = {
  readEvents,
  checkData,
  checkDefinition,
  inspectBody,
  markTests,
  readReports,
  checkFilter,
  judgeFilters,
  judgeBodies,
};

export type Tasks = typeof tasks;
export type Input<N extends keyof Tasks> = Parameters<Tasks[N]>[0];
export type Output<N extends keyof Tasks> = ReturnType<Tasks[N]>;

export interface Job {
  name: keyof Tasks;
  input: unknown;
  /** Its time limit in milliseconds. */
  limitMs: number;
}

/**
 * A process's messages: that it starts a job; the output and the CPU time that it took; or what a bug threw.
 */
export type Said = 'ready' | { output: unknown; tookMs: number } | { failed: string };
