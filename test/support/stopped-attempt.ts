import type { ApiClient } from './api-client';
import { deliveryWith, makeWebhook, postEvent } from './deliveries';
import type { Own } from './own-workers';

/** Long enough for an answer on a busy machine. */
export const TIMEOUT_MS = 10_000;
/** Two attempts: the second one decides. */
export const policy = { timeoutMs: TIMEOUT_MS, retryDelaysMs: [1000], autoDisableAfter: 1 };
/** Longer than what is not noticed (activities/attempt/execution.ts). */
export const STANDSTILL_MS = 3000;
/** Until what the suspended one had to do is done by another, on a busy machine. */
export const PATIENCE_MS = 150_000;

/**
 * Stops the worker that makes attempt 2, which the receiver answers with 200 while it is suspended.
 * @param end whether it gives the connection up instead
 */
export async function stopInLastAttempt(
  { stack, receiver, startWorker }: Own,
  project: Record<string, unknown> = {},
  end: 'answer' | 'reset' = 'answer',
) {
  // Its timer is not to be over before.
  const timeoutMs = end === 'reset' ? 60_000 : TIMEOUT_MS;
  const { client } = await stack.project({ ...project, policy: { ...policy, timeoutMs } });
  const webhook = await makeWebhook(client, receiver.url);
  let answer!: () => void;
  const after = new Promise<void>((resolve) => (answer = resolve));
  const late = { kind: 'answer', status: 200 } as const;
  receiver.respondWith((_request, n) => {
    if (n === 1) return 500;
    return n === 2 ? { ...late, kind: end, after } : { ...late, delayMs: 1000 };
  });
  const worker = await startWorker();
  const id = await postEvent(client);
  await receiver.waitFor(2, PATIENCE_MS);
  worker.signal('SIGSTOP');
  answer();
  return { client, webhook, id, worker };
}

/** Posts one, and waits until it is delivered; answers its event's id. */
export async function deliverOne(client: ApiClient): Promise<string> {
  const { eventId } = await deliveryWith(
    client,
    await postEvent(client),
    { status: 'succeeded' },
    PATIENCE_MS,
  );
  return eventId as string;
}
