import type { Client } from '@temporalio/client';
import type { ApiClient, Answer } from './api-client';
import { makeWebhook } from './deliveries';
import { eventually } from './eventually';
import { RoleProcess } from './processes';
import { Receiver } from './receiver';
import { emailSent } from './samples';
import { Stack, testEnvironment } from './stack';

const PATIENCE_MS = 90_000;
const RECONCILE_EVERY_MS = 2000;

/** The fields of a listed delivery that matter after a crash. */
interface Delivery {
  id: string;
  status: string;
  attemptCount: number;
  replays: number;
}

/** A stack of its own without a worker, whose workers are processes that can kill themselves. */
export class Crash {
  private worker: RoleProcess | undefined;

  private constructor(
    private readonly environment: Record<string, string>,
    readonly stack: Stack,
    readonly temporal: Client,
    readonly receiver: Receiver,
    readonly client: ApiClient,
    readonly webhookId: string,
  ) {}

  /**
   * Runs `work` on a new one, and always stops it.
   * @param settings of all its processes
   * @param project settings of its project
   */
  static async on(
    work: (crash: Crash) => Promise<void>,
    settings: Record<string, string> = {},
    project: Record<string, unknown> = {},
  ): Promise<void> {
    const environment = testEnvironment(settings);
    const [stack, receiver] = await Promise.all([
      Stack.start(environment, { worker: false }),
      Receiver.start(),
    ]);
    const temporal = await stack.connectTemporal();
    // Short, since a dead worker's attempt is waited for; not so short that a busy machine answers too late.
    const policy = { timeoutMs: 5000, retryDelaysMs: [1000] };
    const { client } = await stack.project({ policy, ...project });
    const { id } = await makeWebhook(client, receiver.url);
    const crash = new Crash(environment, stack, temporal, receiver, client, id);
    try {
      await work(crash);
    } finally {
      await crash.worker?.end('SIGKILL');
      await Promise.all([stack.stop(), receiver.close(), temporal.connection.close()]);
    }
  }

  /** @param dieAt where it kills itself with -9 */
  async startWorker(dieAt?: string): Promise<RoleProcess> {
    this.worker = RoleProcess.start('worker', this.environment, dieAt);
    await this.worker.logged('RUNNING');
    return this.worker;
  }

  async killWorker(): Promise<void> {
    await this.worker?.end('SIGKILL');
  }

  /** Makes a worker die at that point of what `ask` triggers, and starts another one. */
  async dying(dieAt: string, ask: () => Promise<unknown>): Promise<void> {
    const doomed = await this.startWorker(dieAt);
    await ask();
    await doomed.killed();
    await this.startWorker();
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

  /** Posts an event, and waits until its first attempt has failed. @returns the delivery's id */
  async firstAttempt(): Promise<string> {
    await this.post();
    return this.until('it has been attempted', async () => {
      const [delivery] = await this.deliveries();
      return delivery?.attemptCount === 1 && delivery.id;
    });
  }
}
