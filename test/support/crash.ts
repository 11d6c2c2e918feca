import type { Client } from '@temporalio/client';
import { WORKFLOWS } from '../../src/contracts/temporal';
import type { ApiClient, Answer } from './api-client';
import { makeWebhook } from './deliveries';
import { eventually } from './eventually';
import { RoleProcess } from './processes';
import { Receiver } from './receiver';
import { emailSent } from './samples';
import { Stack, testEnvironment } from './stack';

export const PATIENCE_MS = 90_000;
const RECONCILE_EVERY_MS = 2000;

/** The fields of a listed delivery that matter after a crash. */
interface Delivery {
  id: string;
  status: string;
  attemptCount: number;
  replays: number;
}

/**
 * A stack without a worker, and a worker process that can kill itself. What lives on after one case is what
 * dies in the next one, so that each case starts one process.
 */
class Ground {
  private worker: RoleProcess | undefined;

  private constructor(
    readonly environment: Record<string, string>,
    readonly stack: Stack,
    readonly temporal: Client,
  ) {}

  static async start(settings: Record<string, string>): Promise<Ground> {
    const environment = testEnvironment(settings);
    const stack = await Stack.start(environment, { worker: false });
    return new Ground(environment, stack, await stack.connectTemporal());
  }

  async startWorker(): Promise<RoleProcess> {
    this.worker = RoleProcess.start('worker', this.environment, null);
    await this.worker.logged('RUNNING');
    return this.worker;
  }

  async aWorker(): Promise<RoleProcess> {
    return this.worker ?? this.startWorker();
  }

  /**
   * Waits until nothing of a case is left that would call what the next one dies at. Couriers stay, but only a
   * queued event of their project has them do anything.
   */
  async isQuiet(): Promise<void> {
    const query = `ExecutionStatus = 'Running' AND WorkflowType != '${WORKFLOWS.courier}'`;
    await eventually(
      'all workflows have ended',
      async () => (await this.temporal.workflow.count(query)).count === 0,
      PATIENCE_MS,
    );
  }

  async stop(): Promise<void> {
    await this.worker?.end('SIGKILL');
    await Promise.all([this.stack.stop(), this.temporal.connection.close()]);
  }
}

/**
 * For the cases of a file: each has a project and a receiver of its own, and for as long as it takes a stack
 * and a worker for itself.
 * @param settings of all processes, when the first one starts
 * @returns what runs a case, on a project with these settings
 */
export function useCrashes(
  settings: () => Record<string, string> = () => ({}),
): (work: (crash: Crash) => Promise<void>, project?: Record<string, unknown>) => Promise<void> {
  const started: Promise<Ground>[] = [];
  const free: Ground[] = [];
  const start = (): Promise<Ground> => {
    const ground = Ground.start(settings());
    started.push(ground);
    return ground;
  };
  afterAll(async () => {
    const stopping = started.map(async (ground) => (await ground).stop());
    // What could not start has failed its case already.
    await Promise.allSettled(stopping);
  });
  return async (work, project) => {
    const ground = free.shift() ?? (await start());
    await Crash.on(ground, work, project);
    // One that is not quiet in the end is not used again.
    void ground.isQuiet().then(
      () => free.push(ground),
      () => {},
    );
  };
}

/** A project with a webhook, whose worker dies and is followed by another one. */
export class Crash {
  private constructor(
    private readonly ground: Ground,
    readonly projectId: string,
    readonly receiver: Receiver,
    readonly client: ApiClient,
    readonly webhookId: string,
  ) {}

  /** Runs `work` on a new one. @param project its settings */
  static async on(
    ground: Ground,
    work: (crash: Crash) => Promise<void>,
    project: Record<string, unknown> = {},
  ): Promise<void> {
    const receiver = await Receiver.start();
    try {
      // Short, since a dead worker's attempt is waited for; longer than a busy machine stands still.
      const policy = { timeoutMs: 9000, retryDelaysMs: [1000] };
      const { client, id: projectId } = await ground.stack.project({ policy, ...project });
      const { id } = await makeWebhook(client, receiver.url);
      await work(new Crash(ground, projectId, receiver, client, id));
    } finally {
      await receiver.close();
    }
  }

  get stack(): Stack {
    return this.ground.stack;
  }

  /** Of its processes. */
  get environment(): Record<string, string> {
    return this.ground.environment;
  }

  get temporal(): Client {
    return this.ground.temporal;
  }

  /** Has a worker run, which is the one that dies next. */
  async startWorker(): Promise<void> {
    await this.ground.aWorker();
  }

  /** Makes the worker die at that point of what `ask` triggers, and starts another one. */
  async dying(dieAt: string, ask: () => Promise<unknown>): Promise<void> {
    const doomed = await this.ground.aWorker();
    await doomed.dieAt(dieAt);
    await ask();
    await doomed.killed();
    await this.ground.startWorker();
  }

  post(): Promise<Answer> {
    return this.client.post('/v1/events', { type: 'email.sent', data: emailSent });
  }

  async deliveries(): Promise<Delivery[]> {
    const { body } = await this.client.get(`/v1/deliveries?webhookId=${this.webhookId}`);
    return body.data.deliveries as Delivery[];
  }

  async webhook(): Promise<Record<string, unknown>> {
    return (await this.client.get(`/v1/webhooks/${this.webhookId}`)).body.data;
  }

  /** Like `eventually`, with reconcile run meanwhile, and the patience that a dead worker asks for. */
  until<T>(what: string, check: () => Promise<T | false | undefined | null>): Promise<T> {
    let reconciledAt = 0;
    return eventually(
      what,
      async () => {
        if (Date.now() - reconciledAt > RECONCILE_EVERY_MS) {
          await this.stack.reconcile();
          reconciledAt = Date.now();
        }
        return check();
      },
      PATIENCE_MS,
    );
  }

  /** Waits until the one delivery looks like that and its workflow has ended, and checks again. */
  async becomes(expected: Partial<Delivery>): Promise<void> {
    const id = await this.until(`the delivery is ${JSON.stringify(expected)}`, async () => {
      const [delivery] = await this.deliveries();
      const isIt = Object.entries(expected).every(
        ([name, value]) => delivery?.[name as keyof Delivery] === value,
      );
      return isIt && delivery!.id;
    });
    await this.until('its workflow has ended', async () => {
      const run = await this.stack.engine.findRun(id);
      return run === 'ended' || run === null;
    });
    expect(await this.deliveries()).toMatchObject([expected]);
  }

  /**
   * Does what disables the webhook, and expects that a subscriber is told of it, once: by one delivery, whose
   * request is repeated if the worker dies before that has been recorded.
   */
  async expectTold(disable: () => Promise<void>): Promise<void> {
    const told = await Receiver.start();
    await makeWebhook(this.client, told.url, { events: ['webhook.disabled'] });
    await disable();
    await this.until('it is told', async () => {
      const { body } = await this.client.get('/v1/deliveries?status=succeeded');
      return body.data.deliveries.length === 1;
    });
    const ids = told.requests.map(({ headers }) => headers['x-webhook-delivery-id']);
    expect(new Set(ids).size).toBe(1);
    await told.close();
  }

  /** Posts an event, and waits until its first attempt has failed. @returns the delivery's id */
  async firstAttempt(): Promise<string> {
    await this.post();
    return this.until('it has been attempted', async () => {
      const [delivery] = await this.deliveries();
      return delivery?.attemptCount === 1 && delivery.id;
    });
  }
}
