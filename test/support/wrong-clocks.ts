import { randomUUID } from 'node:crypto';
import { TASK_QUEUE, WORKFLOWS } from '../../src/contracts/temporal';
import { ApiClient, type Answer } from './api-client';
import { freePort } from './free-port';
import { RoleProcess } from './processes';
import { Receiver } from './receiver';
import { emailSent } from './samples';
import { Stack, testEnvironment } from './stack';

export const SECOND = 1000;
export const HOUR = 60 * 60 * SECOND;
/** For what is stored or sent by a process's knowledge of MongoDB's time. */
export const NEAR = 2 * SECOND;

/** What each case has for itself, so that they wait beside each other. */
export interface Own {
  stack: Stack;
  receiver: Receiver;
  client: ApiClient;
  projectId: string;
  /** Starts a process whose clock is so far ahead. */
  start: (role: string, aheadMs: number, settings?: Record<string, string>) => RoleProcess;
  startWorker: (aheadMs: number, settings?: Record<string, string>) => Promise<RoleProcess>;
  /** An API beside the stack's; the client has an owner's key. */
  startApi: (aheadMs: number) => Promise<ApiClient>;
  post: (times: number, through?: ApiClient) => Promise<Answer>;
  /** Has the worker do once all that reconcile does. */
  reconciled: () => Promise<unknown>;
  /** Whether it is a time since the case began: how busy the machine is does not matter. */
  isNear: (time: string | number | Date) => boolean;
}

/** Cases at a time: of more, a busy machine would not start the processes in time to know what time it is. */
const AT_ONCE = 4;

interface Ground {
  environment: Record<string, string>;
  stack: Stack;
}

async function startGround(): Promise<Ground> {
  const environment = testEnvironment();
  return { environment, stack: await Stack.start(environment, { worker: false }) };
}

/** Runs each case of a file on what it has for itself, and always ends that. */
export function useWrongClocks(): (work: (own: Own) => Promise<void>) => Promise<void> {
  const grounds: Promise<Ground>[] = [];
  const free: Ground[] = [];
  const waiting: ((ground: Ground) => void)[] = [];
  afterAll(() => Promise.all(grounds.map(async (ground) => (await ground).stack.stop())));

  /** A stack that no other case uses at the moment, and of which none has left anything to do. */
  async function takeGround(): Promise<Ground> {
    const left = free.pop();
    if (left) return left;
    if (grounds.length === AT_ONCE) return new Promise((resolve) => waiting.push(resolve));
    const ground = startGround();
    grounds.push(ground);
    return ground;
  }

  return async function on(work: (own: Own) => Promise<void>): Promise<void> {
    const [ground, receiver] = await Promise.all([takeGround(), Receiver.start()]);
    const { environment, stack } = ground;
    const started: RoleProcess[] = [];
    const { client, id: projectId } = await stack.project();
    const start: Own['start'] = (role, aheadMs, settings = {}) => {
      const shifted = { CLOCK_AHEAD_MS: String(aheadMs), ...settings };
      const process = RoleProcess.start(role, { ...environment, ...shifted });
      started.push(process);
      return process;
    };
    const startWorker: Own['startWorker'] = async (
      aheadMs,
      settings = { CLOCK_UNNOTICED: '1' },
    ) => {
      const worker = start('worker', aheadMs, settings);
      await worker.logged('worker polls');
      return worker;
    };
    const startApi: Own['startApi'] = async (aheadMs) => {
      const port = await freePort();
      const api = start('api', aheadMs, { CLOCK_UNNOTICED: '1', PORT: String(port) });
      await api.takesRequests(port);
      return new ApiClient(`http://127.0.0.1:${port}`, client.key);
    };
    const post: Own['post'] = (times, through = client) =>
      through.post('/v1/events/batch', {
        events: Array.from({ length: times }, () => ({ type: 'email.sent', data: emailSent })),
      });
    const reconciled: Own['reconciled'] = () =>
      stack.temporal(({ workflow }) =>
        workflow.execute(WORKFLOWS.reconcile, {
          workflowId: randomUUID(),
          taskQueue: TASK_QUEUE,
          args: [],
        }),
      );
    const began = Date.now();
    const isNear: Own['isNear'] = (time) => {
      const ms = new Date(time).getTime();
      return ms > began - NEAR && ms < Date.now() + NEAR;
    };
    try {
      await work({
        stack,
        receiver,
        client,
        projectId,
        start,
        startWorker,
        startApi,
        post,
        reconciled,
        isNear,
      });
    } finally {
      await Promise.all(started.map((process) => process.end('SIGKILL')));
      // What is left to do of it ends with its project.
      await Promise.all([receiver.close(), stack.admin.delete(`/v1/projects/${projectId}`)]);
      const next = waiting.shift();
      if (next) next(ground);
      else free.push(ground);
    }
  };
}
