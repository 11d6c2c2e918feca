import { Attempts } from '../../activities/courier/attempts';
import { Shift } from '../../activities/courier/shift';
import { START_LIMIT } from '../../src/domain/concurrency-limit';
import { deleteProject } from '../../src/store/delete-project';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { useExpress } from '../support/express';
import { emailSent } from '../support/samples';

/** More than go at a time. */
const MANY = 30;

describe('what a courier has in hand', () => {
  const { stack, receiver } = useExpress();

  it('is not sent once its project is deleted, though places become free', async () => {
    const { id: projectId, client: owner } = await stack.project({ dispatch: 'express' });
    const webhook = await makeWebhook(owner, receiver.url);
    let answer!: () => void;
    const after = new Promise<void>((resolve) => (answer = resolve));
    receiver.respondWith({ kind: 'answer', status: 200, after });
    const work = jest.spyOn(Shift, 'work');
    const send = jest.spyOn(stack.sender, 'send');
    const pump = jest.spyOn(Attempts.prototype, 'pump');
    const pumps = (): number =>
      pump.mock.calls.filter(([lane]) => lane.webhook._id === webhook.id).length;
    const events = Array.from({ length: MANY }, () => ({ type: 'email.sent', data: emailSent }));
    await owner.post('/v1/events/batch', { events });
    await receiver.waitFor(START_LIMIT);
    await deleteProject(stack.store, projectId);
    const shifts = work.mock.calls.flatMap(([parts], n) =>
      parts.projectId === projectId ? [work.mock.results[n]!.value as Promise<unknown>] : [],
    );
    await Promise.all(shifts);
    const pumped = pumps();
    answer();
    await eventually('the attempts have ended', () => pumps() >= pumped + START_LIMIT);
    const sent = send.mock.calls.filter(([{ url }]) => url.startsWith(receiver.url));
    expect(sent).toHaveLength(START_LIMIT);
    for (const spy of [work, send, pump]) spy.mockRestore();
  });
});
