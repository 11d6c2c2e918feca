import { View } from '../../activities/courier/view';
import { START_LIMIT } from '../../src/domain/concurrency-limit';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { emailSent } from '../support/samples';

/** More than go at a time. */
const MANY = 30;

describe('while the filters of an event take long', () => {
  const { stack, receiver, client, batch, withStatus } = useExpress();

  afterEach(() => jest.restoreAllMocks());

  const requestsTo = (path: string): number =>
    receiver.requests.filter((request) => request.path === path).length;

  /** Posts an event that waits for a webhook's filter until it is let go. */
  async function waitingEvent() {
    await makeWebhook(client, `${receiver.url}/filtered`, {
      events: ['email.opened'],
      // In a process of its own.
      filter: { 'data.subject': { $regex: '.' } },
    });
    const run = stack.tenantCpu.run.bind(stack.tenantCpu);
    let letGo!: () => void;
    const going = new Promise<void>((resolve) => (letGo = resolve));
    const judging = jest.spyOn(stack.tenantCpu, 'run').mockImplementation(async (...task) => {
      await going;
      return run(...task);
    });
    const refresh = jest.spyOn(View.prototype, 'refresh');
    const posted = await client.post('/v1/events', { type: 'email.opened', data: emailSent });
    const eventId = posted.body.data.id as string;
    await eventually('its filter is judged', () => judging.mock.calls.length > 0);
    const { projectId } = (await stack.store.events.find(eventId))!;
    /** Waits until the courier has read what has been changed so far. */
    const isKnown = async (): Promise<void> => {
      const from = performance.now();
      const views = refresh.mock.contexts as View[];
      await eventually('the courier has read the changes', () =>
        views.some((view) => view.projectId === projectId && view.refreshedAt > from),
      );
    };
    const isPlanned = (): Promise<boolean> =>
      eventually('it is planned', async () => {
        return (await stack.store.events.find(eventId))!.fannedOutAt !== null;
      });
    return { eventId, letGo, isKnown, isPlanned };
  }

  it.each([
    ['disabled', ['skipped'], (path: string) => client.patch(path, { isActive: false })],
    ['paused', ['held'], (path: string) => client.post(`${path}/pause`)],
    ['deleted', [], (path: string) => client.delete(path)],
  ])('it is not sent to a webhook that is %s meanwhile', async (_how, statuses, change) => {
    const other = await makeWebhook(client, `${receiver.url}/other`);
    const { eventId, letGo, isKnown, isPlanned } = await waitingEvent();
    expect((await change(`/v1/webhooks/${other.id}`)).status).toBe(200);
    await isKnown();
    letGo();
    await isPlanned();
    const found = await stack.store.deliveries.model.find({ eventId, webhookId: other.id }).lean();
    expect(found.map(({ status }) => status)).toEqual(statuses);
    await receiver.waitFor(1);
    expect([requestsTo('/filtered'), requestsTo('/other')]).toEqual([1, 0]);
  });

  it('it is sent to nobody if its payload is deleted meanwhile', async () => {
    const { eventId, letGo, isKnown, isPlanned } = await waitingEvent();
    expect((await client.delete(`/v1/events/${eventId}`)).status).toBe(200);
    await isKnown();
    letGo();
    await isPlanned();
    expect(await stack.store.deliveries.listOfEvent(eventId)).toEqual([]);
    expect(receiver.requests).toHaveLength(0);
  });

  it('what is in hand is not sent to a webhook that is paused meanwhile', async () => {
    const other = await makeWebhook(client, `${receiver.url}/other`, {
      events: ['email.sent'],
      // Its answers are held back for as long as a busy machine needs for the rest.
      policy: { timeoutMs: 60_000 },
    });
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 200, after });
    await batch(MANY);
    await receiver.waitFor(START_LIMIT);
    const { letGo, isKnown } = await waitingEvent();
    await client.post(`/v1/webhooks/${other.id}/pause`);
    await isKnown();
    answer();
    await eventually('those on their way have arrived', async () => {
      return (await withStatus('succeeded')).length >= START_LIMIT;
    });
    letGo();
    await eventually('the event has arrived', () => requestsTo('/filtered') === 1);
    expect(requestsTo('/other')).toBe(START_LIMIT);
  });
});
