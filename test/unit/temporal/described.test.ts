import { temporal } from '@temporalio/proto';
import { activityIn } from '../../../src/temporal/described';

const { PENDING_ACTIVITY_STATE_SCHEDULED: state } = temporal.api.enums.v1.PendingActivityState;
const nextAttemptScheduleTime = { seconds: 4_102_444_800 };

describe('a workflow whose attempt no worker has taken', () => {
  // Reconcile wakes what waits for a later time than its delivery: what is due would lose its place in the queue.
  it.each([
    ['waits for its time', 'waiting', { attempt: 2, nextAttemptScheduleTime }],
    ['is due once that has come', 'due', { attempt: 2 }],
    ['is queued with its first attempt', 'queued', { attempt: 1 }],
    ['is paused, whatever its time', 'activity_paused', { nextAttemptScheduleTime, paused: true }],
  ])('%s', (_, activity, pending) => {
    const raw = { pendingActivities: [{ state, ...pending }] };
    expect(activityIn({ status: { name: 'RUNNING' }, raw } as never)).toBe(activity);
  });
});
