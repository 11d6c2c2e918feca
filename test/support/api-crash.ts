import { ApiClient, type Answer } from './api-client';
import { makeWebhook } from './deliveries';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { RoleProcess } from './processes';
import { Receiver } from './receiver';
import type { Stack } from './stack';

/** The fields of a listed delivery that matter after a crash. */
interface Delivery {
  id: string;
  status: string;
  attemptCount: number;
  replays: number;
}

/** A report of reconcile that had nothing to repair. */
export const nothing = { events: 0, deliveries: 0, replays: 0, drains: 0, failures: 0 };

/** Longer than what is under way may take. */
const LATE_MS = 10_000;

/**
 * Like `eventually`, with reconcile run meanwhile: what a busy Temporal does not take within two seconds, an API
 * process leaves to it.
 */
export const inTheEnd = <T>(
  { reconcile }: Stack,
  what: string,
  check: () => Promise<T | false>,
): Promise<T> =>
  eventually(what, async () => {
    await reconcile(LATE_MS);
    return check();
  });

/** Makes an API process die at that point of the request of `ask`. @returns the answer; null: it got none */
export async function dyingApi(
  environment: Record<string, string>,
  key: string,
  dieAt: string,
  ask: (client: ApiClient) => Promise<Answer>,
): Promise<Answer | null> {
  const port = await freePort();
  const api = RoleProcess.start('api', { ...environment, PORT: String(port) }, dieAt);
  try {
    await api.takesRequests(port);
    const asked = await ask(new ApiClient(`http://127.0.0.1:${port}`, key)).catch(
      (error: unknown) => {
        // Before the answer, or in the middle of it.
        if (['fetch failed', 'terminated'].includes((error as Error).message)) return null;
        throw error;
      },
    );
    await api.killed();
    return asked;
  } finally {
    await api.end('SIGKILL');
  }
}

/**
 * Stops an API process at that point of the request of `ask`, and lets it go on after `meanwhile`.
 * @returns the answer
 */
export async function stoppedApi(
  environment: Record<string, string>,
  key: string,
  stopAt: string,
  ask: (client: ApiClient) => Promise<Answer>,
  meanwhile: () => Promise<unknown>,
): Promise<Answer> {
  const port = await freePort();
  const at = `${stopAt} 1 SIGSTOP`;
  const api = RoleProcess.start('api', { ...environment, PORT: String(port) }, at);
  try {
    await api.takesRequests(port);
    const asked = ask(new ApiClient(`http://127.0.0.1:${port}`, key));
    await meanwhile();
    api.signal('SIGCONT');
    return await asked;
  } finally {
    await api.end('SIGKILL');
  }
}

/** A project with a webhook, on a stack that keeps running while another API dies. */
export class ApiCrash {
  private constructor(
    private readonly environment: Record<string, string>,
    readonly stack: Stack,
    readonly projectId: string,
    /** Of the API that lives on. */
    readonly client: ApiClient,
    readonly receiver: Receiver,
    readonly webhook: { id: string; secret: string },
  ) {}

  /** Runs `work` on a new one. @param profile and dispatch of its project */
  static async on(
    { environment, stack }: { environment: Record<string, string>; stack: Stack },
    work: (crash: ApiCrash) => Promise<void>,
    { profile = 'autosend', dispatch = 'workflow', events = ['*'] } = {},
  ): Promise<void> {
    const receiver = await Receiver.start();
    try {
      const { id, client } = await stack.project({ profile, dispatch });
      const webhook = await makeWebhook(client, receiver.url, { events });
      await work(new ApiCrash(environment, stack, id, client, receiver, webhook));
    } finally {
      await receiver.close();
    }
  }

  /** Makes an API die at that point of a request, which gets no answer. */
  async dying(dieAt: string, ask: (client: ApiClient) => Promise<Answer>): Promise<void> {
    expect(await this.dyingBehindIt(dieAt, ask)).toBeNull();
  }

  /** The same at a point that may come before or behind the answer. */
  dyingBehindIt(
    dieAt: string,
    ask: (client: ApiClient) => Promise<Answer>,
  ): Promise<Answer | null> {
    return dyingApi(this.environment, this.client.key, dieAt, ask);
  }

  async deliveries(): Promise<Delivery[]> {
    return (await this.client.get('/v1/deliveries?limit=100')).body.data.deliveries;
  }

  async events(): Promise<{ id: string; type: string }[]> {
    return (await this.client.get('/v1/events?limit=100')).body.data.events;
  }

  /** Waits until there are so many deliveries and all have succeeded. */
  async delivered(count: number): Promise<Delivery[]> {
    return eventually(`${count} are delivered`, () => this.areDelivered(count));
  }

  /** The same where the API has asked Temporal for them, before it died. */
  async deliveredInTheEnd(count: number): Promise<Delivery[]> {
    return inTheEnd(this.stack, `${count} are delivered`, () => this.areDelivered(count));
  }

  private async areDelivered(count: number): Promise<Delivery[] | false> {
    const all = await this.deliveries();
    return all.length === count && all.every(({ status }) => status === 'succeeded') && all;
  }
}
