import type { Client } from '@temporalio/client';
import { replayWorkflowId } from '../../src/contracts/temporal';
import { DAY_MS } from '../../src/domain/durations';
import type { ApiClient } from './api-client';
import { makeWebhook } from './deliveries';
import { eventually } from './eventually';
import { emailSent } from './samples';

/** What the tests of bulk replays do in the project of that client. */
export const bulkReplaysOf = (client: () => ApiClient) => {
  const since = new Date(Date.now() - DAY_MS).toISOString();
  const until = (): string => new Date(Date.now() + 1000).toISOString();
  const count = async (status: string): Promise<number> =>
    (await client().get(`/v1/deliveries?limit=100&status=${status}`)).body.data.deliveries.length;
  const post = (n: number) =>
    client().post('/v1/events/batch', {
      events: Array.from({ length: n }, () => ({ type: 'email.sent', data: emailSent })),
    });
  /** Waits until the replay looks like that. */
  const replayWith = (id: string, expected: Record<string, unknown>, timeoutMs?: number) =>
    eventually(
      `replay is ${JSON.stringify(expected)}`,
      async () => {
        const { data } = (await client().get(`/v1/replays/${id}`)).body;
        return Object.entries(expected).every(([name, value]) => data[name] === value) && data;
      },
      timeoutMs,
    );
  /**
   * Has so many deliveries of a new webhook skipped.
   * @returns what changes the webhook; it is disabled
   */
  const skipped = async (url: string, n: number) => {
    const { id } = await makeWebhook(client(), url);
    const change = (changes: object) => client().patch(`/v1/webhooks/${id}`, changes);
    await change({ isActive: false });
    await post(n);
    await eventually('all are skipped', async () => (await count('skipped')) === n);
    return { id, change };
  };
  return { since, until, count, post, replayWith, skipped };
};

/** Waits until the batch of a bulk replay waits for the time at which it looks again. */
export async function untilBatchWaits({ workflow }: Client, replayId: string): Promise<void> {
  const handle = workflow.getHandle(replayWorkflowId(replayId));
  await eventually('its batch waits', async () => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities?.[0]?.attempt ?? 0) > 1;
  });
}
