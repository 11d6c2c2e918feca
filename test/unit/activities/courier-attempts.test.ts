import { setImmediate as nextTurn } from 'node:timers/promises';
import { Attempts } from '../../../activities/courier/attempts';
import { Hand } from '../../../activities/courier/hand';
import { Lane, type Item } from '../../../activities/courier/lane';
import { Outbox, type Entry } from '../../../activities/courier/outbox';
import type { Shared } from '../../../activities/courier/parts';
import type { Settling } from '../../../activities/courier/settling';
import { Places, type Place } from '../../../activities/concurrency';
import type { Attempt } from '../../../src/contracts/delivery';

const entryOf = (attempt: Partial<Attempt>, former = 0): Entry => {
  const record = {
    delivery: { attempts: Array.from({ length: former }, () => ({})) },
    attempt: { requestHeaders: {}, ...attempt },
  } as Entry['record'] & object;
  return { record, done: () => {} };
};
const headers = { 'x-header': 'x'.repeat(64 * 1024) };

describe('what a courier has still to write', () => {
  function peeked(entry: Entry): number {
    const outbox = new Outbox();
    for (let n = 0; n < 500; n += 1) outbox.add(entry);
    return outbox.peek().length;
  }

  it('is written 400 at a time, and less of what is large', () => {
    const all = peeked(entryOf({ responseBody: 'x'.repeat(1024) }));
    const byBody = peeked(entryOf({ responseBody: 'x'.repeat(64 * 1024) }));
    const byHeaders = peeked(entryOf({ responseHeaders: headers }));
    const bySent = peeked(entryOf({ requestHeaders: headers }));
    expect(all).toBe(400);
    expect(byBody).toBeLessThan(70);
    expect([byHeaders, bySent]).toEqual([byBody, byBody]);
  });

  it('is enough to be written at once by its number, and by its size', () => {
    const filled = (entry: Entry): number => {
      const outbox = new Outbox();
      while (!outbox.isFull) outbox.add(entry);
      expect(outbox.peek()).toHaveLength(outbox.size);
      return outbox.size;
    };
    expect(filled(entryOf({}))).toBe(400);
    expect(filled(entryOf({ responseHeaders: headers }))).toBeLessThan(70);
  });

  it('counts with the attempts before it, whose log is written again, up to its bound', () => {
    expect(peeked(entryOf({ responseHeaders: headers }, 3))).toBeLessThan(20);
    const longest = peeked(entryOf({ responseHeaders: headers }, 49));
    expect(longest).toBe(16);
  });
});

describe('what a courier sends', () => {
  const send = jest.fn(() => new Promise<never>(() => {}));
  beforeEach(() => send.mockClear());
  function attemptsOf(hand: Hand, places = new Places(1000, 1000, 1000)): Attempts {
    const shared = {
      deps: { cipher: { open: () => 'secret' }, sender: { send }, version: 'test' },
      places,
      lease: { maySend: () => true },
      hand,
      view: { projectId: 'prj_1', project: { profile: 'autosend' } },
      projectId: 'prj_1',
      stopped: new AbortController().signal,
    };
    return new Attempts(shared as unknown as Shared, {} as Settling);
  }
  /** With so many deliveries that wait. */
  function laneOf(count: number, body: string): Lane {
    const webhook = { _id: 'wh_1', url: 'http://127.0.0.1:9/', signing: ['hex'], secrets: [{}] };
    const lane = new Lane({ ...webhook, headers: null } as never, { ratePerSecond: null } as never);
    for (let n = 0; n < count; n += 1) {
      const ids = { _id: `dlv_${n}`, projectId: 'prj_1', webhookId: 'wh_1' };
      const delivery = { ...ids, isExpress: true, attemptCount: 0, roundStart: 0 };
      lane.waiting.push({ delivery, queuedIn: 'prj_1', event: {}, body } as unknown as Item);
    }
    return lane;
  }

  it('begins no further attempt while too much waits to be written', () => {
    const hand = new Hand();
    const attempts = attemptsOf(hand);
    const lane = laneOf(1, '{}');
    const answered = entryOf({ responseHeaders: headers });
    let count = 0;
    for (; !hand.outbox.isCrowded; count += 1) hand.outbox.add(answered);
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(600);
    attempts.pump(lane);
    expect([lane.waiting.length, send.mock.calls.length]).toEqual([1, 0]);
    hand.outbox.remove(1);
    attempts.pump(lane);
    expect([lane.waiting.length, send.mock.calls.length]).toEqual([0, 1]);
  });

  it('keeps the turn of what waits for a place while too much waits to be written', () => {
    const hand = new Hand();
    const places = new Places(1, 1, 1);
    const attempts = attemptsOf(hand, places);
    const lane = laneOf(1, '{}');
    const place = places.take('prj_1', 'wh_other', true) as Place;
    attempts.pump(lane);
    expect([...attempts.inLine]).toEqual([lane]);
    while (!hand.outbox.isCrowded) hand.outbox.add(entryOf({ responseHeaders: headers }));
    place.leave('made');
    attempts.pumpAll();
    expect([...attempts.inLine]).toEqual([lane]);
    hand.outbox.remove(hand.outbox.size);
    attempts.pumpAll();
    expect([attempts.inLine.size, send.mock.calls.length]).toEqual([0, 1]);
  });

  it('is signed a megabyte in each turn of the event loop', async () => {
    const attempts = attemptsOf(new Hand());
    const lane = laneOf(50, 'x'.repeat(256 * 1024));
    const small = laneOf(50, '{}');
    attempts.pump(small);
    expect(send).toHaveBeenCalledTimes(50);
    send.mockClear();
    attempts.pump(lane);
    attempts.pump(lane);
    let largest = send.mock.calls.length;
    for (let sent = largest; sent < 50; sent = send.mock.calls.length) {
      await nextTurn();
      largest = Math.max(largest, send.mock.calls.length - sent);
    }
    expect(largest).toBe(4);
  });
});
