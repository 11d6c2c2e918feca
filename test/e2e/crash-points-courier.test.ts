import { useCrashes } from '../support/crash';

jest.setTimeout(300_000);

const once = { status: 'succeeded', attemptCount: 1, replays: 0 };
const express = { dispatch: 'express' };

/** Each case has one worker whose courier kills it at one point, and then another one that takes over. */
describe('a courier killed with -9', () => {
  const on = useCrashes();

  describe('while it delivers an event', () => {
    it.concurrent.each([
      [1, 'after its shift has begun', 'store/couriers Couriers.begin after'],
      [1, 'before the request', 'delivery/http HttpSender.send before'],
      [2, 'between the answer and the record', 'delivery/http HttpSender.send after'],
      [2, 'before what came of it is written', 'store/settlement settle before'],
      [1, 'after what came of it is written', 'store/settlement settle after'],
      [1, 'after its event is noted as planned', 'store/events Events.markPlanned after'],
    ])('sent %d times: %s', (times, _title, dieAt) =>
      on(async (crash) => {
        await crash.dying(dieAt, () => crash.post());
        await crash.becomes(once);
        expect(crash.receiver.requests).toHaveLength(times);
        expect(await crash.webhook()).toMatchObject({ failureCount: 0, lastStatus: 200 });
      }, express),
    );
  });
});
