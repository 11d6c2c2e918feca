import { temporal } from '@temporalio/proto';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { WAYS } from '../support/dispatch';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { useStack } from '../support/use';

/** Of the worker: a project alone has eight of these places, bulk work one of its own. */
const PLACES = 10;
const A_PROJECTS_PLACES = 8;

const stack = useStack({
  WORKER_MAX_ATTEMPTS: String(PLACES),
  WORKER_MAX_ATTEMPTS_PER_WEBHOOK: '2',
});

describe.each(WAYS)('fairness between projects, dispatched %s,', (dispatch) => {
  let receiver: Receiver;
  let quiet: ApiClient;
  let bad: ApiClient;
  let badId: string;
  /** Opens what a test has stopped. */
  let open: () => void;
  let opened: Promise<void>;

  beforeEach(async () => {
    receiver = await Receiver.start();
    ({ client: quiet } = await stack.project({ dispatch }));
    // None of its attempts may end before it is asked to.
    ({ client: bad, id: badId } = await stack.project({ dispatch, policy: { timeoutMs: 60_000 } }));
    opened = new Promise((resolve) => (open = resolve));
  });
  afterEach(async () => {
    open();
    jest.restoreAllMocks();
    await receiver.close();
  });

  const post = (client: ApiClient) =>
    client.post('/v1/events', { type: 'email.sent', data: emailSent });
  const deliveries = () => stack.store.deliveries.model.find({ projectId: badId }).lean();
  const succeeded = (count: number) =>
    eventually('all have succeeded', async () => {
      return (await deliveries()).filter(({ status }) => status === 'succeeded').length === count;
    });

  it('leaves places to another project when all webhooks of one hang', async () => {
    const { sender } = stack;
    let hanging = 0;
    jest.spyOn(sender, 'send').mockImplementation(async (request) => {
      if (request.url.endsWith('/hanging')) {
        hanging += 1;
        await opened;
      }
      return Object.getPrototypeOf(sender).send.call(sender, request);
    });
    const webhooks = PLACES + 2;
    for (let n = 0; n < webhooks; n += 1) await makeWebhook(bad, `${receiver.url}/hanging`);
    await post(bad);
    const waiting = await eventually('the others are put off', async () => {
      const off = (await deliveries()).filter(({ deferredFor }) => deferredFor === 'project_busy');
      return off.length === webhooks - A_PROJECTS_PLACES && off;
    });
    await eventually('the places are taken', () => hanging >= A_PROJECTS_PLACES);
    expect(hanging).toBe(A_PROJECTS_PLACES);
    const pending = await eventually('one tells why it waits', async () => {
      const { data } = (await bad.get(`/v1/deliveries/${waiting[0]!._id}`)).body;
      return data.pending?.reason === 'project_busy' && data.pending;
    });
    expect(pending.message).toMatch(
      /^attempt 1 waits because this project has reached its maximum of running or due attempts/,
    );

    await makeWebhook(quiet, `${receiver.url}/quiet`);
    const id = await postEvent(quiet);
    await deliveryWith(quiet, id, { status: 'succeeded', attemptCount: 1 });
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/quiet']);
    // None of the others had to end first.
    expect(hanging).toBe(A_PROJECTS_PLACES);

    open();
    await succeeded(webhooks);
    expect((await deliveries()).every(({ attemptCount }) => attemptCount === 1)).toBe(true);
  });

  it('keeps bulk replays from the places of attempts, and ends them all', async () => {
    const { PendingActivityState } = temporal.api.enums.v1;
    const count = 4;
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) ids.push((await makeWebhook(bad, receiver.url)).id);
    await post(bad);
    await succeeded(count);

    const { replays } = stack.store;
    let running = 0;
    let most = 0;
    const find = replays.find.bind(replays);
    jest.spyOn(replays, 'find').mockImplementation(async (id) => {
      running += 1;
      most = Math.max(most, running);
      await opened;
      running -= 1;
      return find(id);
    });
    const replayIds: string[] = [];
    for (const webhookId of ids) {
      const since = new Date(Date.now() - 3_600_000).toISOString();
      const until = new Date().toISOString();
      const query = { webhookId, statuses: ['succeeded'], since, until, ratePerSecond: 100 };
      replayIds.push((await bad.post('/v1/replays', query)).body.data.id as string);
    }
    const states = () =>
      stack.temporal(({ workflow }) =>
        Promise.all(
          replayIds.map(async (id) => {
            const { raw } = await workflow.getHandle(`replay/${id}`).describe();
            const { state } = raw.pendingActivities?.[0] ?? {};
            return state ? PendingActivityState[state] : undefined;
          }),
        ),
      );
    await eventually('one has a place, and the others wait', async () => {
      const all = await states();
      const those = (state: string) => all.filter((one) => one === state).length;
      return (
        those('PENDING_ACTIVITY_STATE_STARTED') === 1 &&
        those('PENDING_ACTIVITY_STATE_SCHEDULED') === count - 1
      );
    });

    await makeWebhook(quiet, receiver.url);
    await deliveryWith(quiet, await postEvent(quiet), { status: 'succeeded' });
    expect(running).toBe(1);

    open();
    await eventually('all replays have completed', async () => {
      const all = await Promise.all(replayIds.map((id) => replays.get(badId, id)));
      return all.every((replay) => replay?.status === 'completed' && replay.replayed === 1);
    });
    await eventually('all have been replayed', async () => {
      const all = await deliveries();
      return all.every(({ status, replays: times }) => status === 'succeeded' && times === 1);
    });
    expect(most).toBe(1);
  });
});
