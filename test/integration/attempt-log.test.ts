import { mongo } from 'mongoose';
import type { Attempt } from '../../src/contracts/delivery';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { settle } from '../../src/store/settlement';
import { useFixture } from '../support/use';

const MIB = 1024 * 1024;
const POLICY = { timeoutMs: 1000, retryDelaysMs: Array(60).fill(1000) as number[] };
const RESULT = { status: 'pending' as const, nextDelayMs: 1000, policy: POLICY };

/** The largest answer that is kept, in characters that take two bytes. */
const largest = {
  responseHeaders: Object.fromEntries(
    Array.from({ length: 64 }, (_, n) => [`x-header-${n}`, 'é'.repeat(1000)]),
  ),
  responseBody: 'é'.repeat(16 * 1024),
  responseBodyCut: true as const,
};
const small = { responseHeaders: { 'content-type': 'text/plain' }, responseBody: 'no' };

const failure = (answer: Partial<Attempt>): Omit<Attempt, 'number'> => ({
  runId: 'mine',
  startedAt: new Date(),
  durationMs: 7,
  outcome: 'failed',
  statusCode: 500,
  requestHeaders: { 'webhook-id': 'evt_1' },
  ...answer,
});

describe('the log of a delivery', () => {
  const fixture = useFixture();

  async function newDelivery(fields: Partial<DeliveryRecord>): Promise<DeliveryRecord> {
    const { planned } = await fixture.planned('http://127.0.0.1:9/');
    const { model } = fixture.store.deliveries;
    await model.updateOne({ _id: planned.deliveryId }, { $set: fields });
    return fixture.delivery(planned.deliveryId);
  }

  type AnswerTo = (number: number) => Partial<Attempt>;

  async function byWorkflow(answerTo: AnswerTo, count: number): Promise<DeliveryRecord> {
    const { _id } = await newDelivery({ runId: 'mine' });
    for (let number = 1; number <= count; number += 1) {
      const before = await fixture.delivery(_id);
      await fixture.store.rounds.record(before, failure(answerTo(number)), RESULT, true);
    }
    return fixture.delivery(_id);
  }

  async function byCourier(answerTo: AnswerTo, count: number): Promise<DeliveryRecord> {
    const { _id, projectId } = await newDelivery({ isExpress: true });
    const { shift } = (await fixture.store.couriers.begin(projectId, new Date()))!;
    for (let number = 1; number <= count; number += 1) {
      const attempt = { ...failure(answerTo(number)), number };
      const records = [{ delivery: await fixture.delivery(_id), attempt, result: RESULT }];
      const settlement = { inserts: [], records, queued: [] };
      await settle(fixture.store, projectId, { shift, number }, settlement);
    }
    return fixture.delivery(_id);
  }

  describe.each([
    ['a workflow’s', byWorkflow],
    ['a courier’s', byCourier],
  ])('of %s attempts', (_whose, make) => {
    it('keeps headers and bodies as far as a bound allows, and those of the last ones', async () => {
      const { attempts } = await make(() => largest, 15);
      expect(mongo.BSON.calculateObjectSize({ attempts })).toBeLessThanOrEqual(MIB);
      expect(attempts.map(({ number }) => number)).toEqual(
        Array.from({ length: 15 }, (_, n) => n + 1),
      );
      expect(attempts.slice(-3)).toMatchObject(
        Array(3)
          .fill(failure(largest))
          .map(({ startedAt: _at, ...made }) => made),
      );
      const { startedAt: _at, ...made } = failure({});
      const { startedAt: _when, ...first } = attempts[0]!;
      expect(first).toEqual({ ...made, number: 1, requestHeaders: {} });
    });

    it('keeps no large answers of before, once the last ones are small', async () => {
      const { attempts } = await make((number) => (number <= 5 ? largest : small), 8);
      expect(mongo.BSON.calculateObjectSize({ attempts })).toBeLessThanOrEqual(256 * 1024);
      for (const attempt of attempts.slice(-3)) expect(attempt).toMatchObject(small);
    });

    it('keeps all of the last 50 where they are small', async () => {
      const { attempts, attemptCount } = await make(() => small, 52);
      expect(attemptCount).toBe(52);
      expect(attempts).toHaveLength(50);
      for (const attempt of attempts) expect(attempt).toMatchObject(small);
    });
  });
});
