import { MIXED, MODES } from '../support/dispatch';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import type { ApiClient } from '../support/api-client';
import { useFreshReceiver, useStack } from '../support/use';

const HOUR_MS = 3_600_000;
const SLOW = { kind: 'answer', status: 200, delayMs: 1500 } as const;
const IMPATIENT = { timeoutMs: 1000, retryDelaysMs: [1000] };
const PATIENT = { timeoutMs: 60_000, retryDelaysMs: [1000, 1000] };

const stack = useStack(MIXED);

/** docs/contract.md, 1.2. */
describe.each(MODES)('the policy of a round, dispatched %s,', (dispatch) => {
  const receiver = useFreshReceiver();
  let client: ApiClient;

  beforeEach(async () => {
    ({ client } = await stack.project({ dispatch }));
  });

  const change = (id: string, policy: object) => client.patch(`/v1/webhooks/${id}`, { policy });
  const replays: Record<string, (id: string, webhookId: string) => Promise<unknown>> = {
    'a replay': (id) => client.post(`/v1/deliveries/${id}/replay`),
    'a bulk replay': (_id, webhookId) =>
      client.post('/v1/replays', {
        webhookId,
        since: new Date(Date.now() - HOUR_MS).toISOString(),
        until: new Date(Date.now() + 1000).toISOString(),
      }),
  };

  it.each(Object.keys(replays))('is the one in force when %s begins', async (how) => {
    receiver.respondWith(SLOW);
    const webhook = await makeWebhook(client, receiver.url, { policy: IMPATIENT });
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'failed', attemptCount: 2 });
    await change(webhook.id, PATIENT);

    // Of this round one attempt more than of the first.
    // Counted from here: a request that timed out may not have come.
    let made = 0;
    receiver.respondWith(() => ((made += 1) < 3 ? 500 : SLOW));
    await replays[how]!(id, webhook.id);
    const { attempts } = await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    expect(attempts).toMatchObject([
      { errorCode: 'timeout' },
      { errorCode: 'timeout' },
      { statusCode: 500 },
      { statusCode: 500 },
      { statusCode: 200 },
    ]);
  });

  it('stays what it was when it began, in each round, and is what `pending` tells', async () => {
    receiver.respondWith(500);
    const first = { timeoutMs: 10_000, retryDelaysMs: [HOUR_MS, 1000] };
    const webhook = await makeWebhook(client, receiver.url, { policy: first });
    const id = await postEvent(client);
    await deliveryWith(client, id, { attemptCount: 1 });
    await change(webhook.id, { timeoutMs: 1000, retryDelaysMs: [2 * HOUR_MS, 1000, 1000] });
    const { pending } = await deliveryWith(client, id, { attemptCount: 1 });
    expect(pending).toMatchObject({ attempt: 2, laterDelaysMs: [1000] });
    receiver.respondWith((_request, n) => (n === 2 ? { ...SLOW, status: 500 } : 500));
    await client.post(`/v1/deliveries/${id}/retry`);
    const failed = await deliveryWith(client, id, { status: 'failed' });
    expect(failed.attempts).toMatchObject(Array.from({ length: 3 }, () => ({ statusCode: 500 })));

    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'pending', attemptCount: 4 });
    await change(webhook.id, { retryDelaysMs: [1000] });
    const replayed = await deliveryWith(client, id, { attemptCount: 4 });
    expect(replayed.pending).toMatchObject({ attempt: 5, laterDelaysMs: [1000, 1000] });
    await client.post(`/v1/deliveries/${id}/retry`);
    await deliveryWith(client, id, { status: 'failed', attemptCount: 7 });
  });

  it('is the one in force when what was held is sent, and stays through a further pause', async () => {
    let answer = (): void => {};
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith((_request, n) => (n === 1 ? { kind: 'answer', status: 500, after } : 500));
    const webhook = await makeWebhook(client, receiver.url, { policy: IMPATIENT });
    const turn = (what: string) => client.post(`/v1/webhooks/${webhook.id}/${what}`);
    await turn('pause');
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'held' });
    await change(webhook.id, PATIENT);
    await turn('resume');

    await receiver.waitFor(1);
    await turn('pause');
    answer();
    await deliveryWith(client, id, { status: 'held', attemptCount: 1 });
    await change(webhook.id, IMPATIENT);
    const { pending } = await deliveryWith(client, id, { status: 'held' });
    expect(pending).toMatchObject({ attempt: 2, laterDelaysMs: [1000] });
    await turn('resume');
    await deliveryWith(client, id, { status: 'failed', attemptCount: 3 });
  });
});
