import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { planExpress } from '../../../activities/courier/plan';
import { choose } from '../../../activities/judge-filters';
import { newId } from '../../../src/contracts/ids';
import type { EventRecord } from '../../../src/store/event-record';
import type { Store } from '../../../src/store/store';
import type { WebhookRecord } from '../../../src/store/webhook-record';
import { TenantCpu } from '../../../src/tenant-cpu/tenant-cpu';

const FILTER = JSON.stringify({ type: 'another' });
const newEvent = (): EventRecord =>
  ({
    _id: newId('event'),
    projectId: newId('project'),
    type: 'email.sent',
    body: '{"type":"email.sent","data":{}}',
    acceptedAt: new Date(),
    expiresAt: new Date(Date.now() + 60_000),
  }) as EventRecord;
const webhooksWithFilter = (count: number): WebhookRecord[] =>
  Array.from({ length: count }, (_, n) => ({
    _id: `wh_${n}`,
    filter: FILTER,
    createdAt: new Date(0),
  })) as WebhookRecord[];

describe('filters that are judged in this process', () => {
  const log = pino({ level: 'silent' });
  const judge = (tenantCpu: TenantCpu, event: EventRecord, webhooks: WebhookRecord[]) =>
    choose({ tenantCpu, log }, event, webhooks, async () => event.body);

  it('are paid for by their project, and let events pass once it has used up its time', async () => {
    // Of which a third may be used at once: twenty milliseconds.
    const tenantCpu = new TenantCpu(0.06);
    const event = newEvent();
    const webhooks = webhooksWithFilter(1000);
    const passed: number[] = [];
    while (passed.length < 200 && passed.at(-1) !== webhooks.length) {
      passed.push((await judge(tenantCpu, event, webhooks)).length);
    }
    expect(passed[0]).toBeLessThan(webhooks.length);
    expect(passed.at(-1)).toBe(webhooks.length);
    expect(await judge(tenantCpu, newEvent(), webhooksWithFilter(1))).toEqual([]);
  });

  it('are named in the log by a few of them, and for a few of many events', async () => {
    const lines: string[] = [];
    const told = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
    // Used up at once.
    const deps = { tenantCpu: new TenantCpu(1e-6), log: told };
    const { projectId } = newEvent();
    const webhooks = webhooksWithFilter(1000);
    for (let n = 0; n < 200; n += 1) {
      const event = { ...newEvent(), projectId };
      await choose(deps, event, webhooks, async () => event.body);
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(100);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(500);
    expect(JSON.parse(lines[0]!)).toMatchObject({ projectId, count: 975 });
  });

  it('let others have turns, however many there are', async () => {
    const webhooks = webhooksWithFilter(5000);
    const deps = { store: {} as Store, tenantCpu: new TenantCpu(3600), log };
    let turns = 0;
    const over = new AbortController();
    const count = async (): Promise<void> => {
      for (; !over.signal.aborted; turns += 1) await nextTurn();
    };
    const counting = count();
    await planExpress(deps, Array.from({ length: 20 }, newEvent), {
      subscribersOf: () => webhooks,
      room: 400,
      isFresh: () => true,
    });
    over.abort();
    expect(turns).toBeGreaterThan(1);
    await counting;
  });
});
