import { makeWebhook, postEvent } from './deliveries';
import type { Own } from './own-workers';

export const TIMEOUT_MS = 5000;
/** Two attempts: the second one decides. */
export const policy = { timeoutMs: TIMEOUT_MS, retryDelaysMs: [1000], autoDisableAfter: 1 };
/** Until what the suspended one had to do is done by another, on a busy machine. */
export const PATIENCE_MS = 150_000;

/** Stops the worker that makes attempt 2, which the receiver answers with 200 while it is suspended. */
export async function stopInLastAttempt(
  { stack, receiver, startWorker }: Own,
  project: Record<string, unknown> = {},
) {
  const { client } = await stack.project({ ...project, policy });
  const webhook = await makeWebhook(client, receiver.url);
  let answer!: () => void;
  const after = new Promise<void>((resolve) => (answer = resolve));
  const late = { kind: 'answer', status: 200 } as const;
  receiver.respondWith((_request, n) => {
    if (n === 1) return 500;
    return n === 2 ? { ...late, after } : { ...late, delayMs: 1000 };
  });
  const worker = await startWorker();
  const id = await postEvent(client);
  await receiver.waitFor(2, PATIENCE_MS);
  worker.signal('SIGSTOP');
  answer();
  return { client, webhook, id, worker };
}
