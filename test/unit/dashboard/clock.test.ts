import { followClock, nowMs } from '../../../dashboard/src/api/clock';
import { HOUR_MS } from '../../../src/domain/durations';

const answerMadeAt = (time: number): Response =>
  new Response(null, { headers: { date: new Date(time).toUTCString() } });

it('does not take a slow answer for that of another clock', () => {
  const now = Date.now();
  followClock(answerMadeAt(now + HOUR_MS), now);
  expect(nowMs()).toBeGreaterThan(now + HOUR_MS / 2);
  followClock(answerMadeAt(now - 10_000), now - 20_000);
  expect(nowMs()).toBeGreaterThanOrEqual(now);
  expect(nowMs()).toBeLessThan(now + HOUR_MS / 2);
});
