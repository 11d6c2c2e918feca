import { Outbox, type Entry } from '../../../activities/courier/outbox';
import type { Attempt } from '../../../src/contracts/delivery';

const entryOf = (attempt: Partial<Attempt>, former = 0): Entry => {
  const counted = { webhookId: 'wh_1', attempt: { requestHeaders: {}, ...attempt } as Attempt };
  const record = { delivery: { attempts: Array(former).fill({}) } } as Entry['record'] & object;
  return { counted, ...(former > 0 && { record }), done: () => {} };
};
const headers = { 'x-header': 'x'.repeat(64 * 1024) };

describe('what a courier has still to write', () => {
  function peeked(entry: Entry): number {
    const outbox = new Outbox();
    for (let n = 0; n < 500; n += 1) outbox.add(entry);
    return outbox.peek().entries.length;
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

  it('counts with the attempts before it, whose log is written again, up to its bound', () => {
    expect(peeked(entryOf({ responseHeaders: headers }, 3))).toBeLessThan(20);
    const longest = peeked(entryOf({ responseHeaders: headers }, 49));
    expect(longest).toBe(4);
  });
});
