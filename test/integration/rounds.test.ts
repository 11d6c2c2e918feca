import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { DeliveryStatus, EndReason } from '../../src/contracts/delivery';
import { newId } from '../../src/contracts/ids';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { expungeEvent } from '../../src/store/expunge';
import { release } from '../../src/store/queue';
import { queueReplays } from '../../src/store/replay-selection';
import { newDelivery } from '../../src/store/new-delivery';
import { changeWebhook } from '../../src/store/change-webhook';
import { useFixture } from '../support/use';

const read = (name: string): string =>
  readFileSync(path.resolve(__dirname, `../../docs/adr/${name}.md`), 'utf8');
const record = read('0022-one-compare-and-set-says-which-run-counts');
const rows = [...record.matchAll(/^\| (.+) \|$/gm)]
  .map(([, row]) => row!.split('|').map((cell) => cell.trim()))
  .slice(2) as [DeliveryStatus, string, string, string, DeliveryStatus, string][];
const edgesOf = (text: string): [string, string, string][] =>
  [...text.matchAll(/^ {4}(\S+) --> (\S+): (.+)$/gm)].map(([, from, to, why]) => [
    from!,
    to!,
    why!,
  ]);
const edges = edgesOf(record) as [DeliveryStatus | '[*]', DeliveryStatus, string][];
const queueEdges = edgesOf(read('0030-what-may-not-go-now-waits-in-one-queue'));

const EXECUTION = { isForced: false, scheduledAt: new Date() };
const RUNS: Record<string, string | null> = { none: null, itself: 'mine', another: 'other' };

/** What docs/adr/0022 says, line by line. */
describe('a delivery’s round', () => {
  const fixture = useFixture();

  /** A new delivery that stands like that. */
  async function standing(fields: Partial<DeliveryRecord>): Promise<DeliveryRecord> {
    const { planned } = await fixture.planned('http://127.0.0.1:9/');
    const { model } = fixture.store.deliveries;
    await model.updateOne({ _id: planned.deliveryId }, { $set: fields });
    return fixture.delivery(planned.deliveryId);
  }

  it.each(rows)(
    'that is %s, its run %s, another asked for: %s, to which %s comes, is %s then, a replay: %s',
    async (status, counts, asked, who, then, isReplay) => {
      const { _id } = await standing({
        status,
        runId: RUNS[counts]!,
        runRequested: asked === 'yes',
      });
      const opening = { ...EXECUTION, runId: 'mine', isReset: who.includes('reset') };
      const madeBy = who === 'a reset' ? 'operator' : 'posthorn';
      const opened = await fixture.store.rounds.open(_id, opening, madeBy);
      expect(opened).toMatchObject({
        status: then,
        runId: 'mine',
        runRequested: false,
        replays: isReplay === 'yes' ? 1 : 0,
      });
      // Who was scheduled before finds that somebody has come after.
      const earlier = { ...opening, scheduledAt: new Date(EXECUTION.scheduledAt.getTime() - 1) };
      expect(await fixture.store.rounds.open(_id, { ...earlier, runId: 'other' })).toBeNull();
      expect(await fixture.store.rounds.open(_id, earlier)).toBeNull();
      expect(await fixture.delivery(_id)).toEqual(opened);
    },
  );

  it('that an operator’s reset began was requested then, not when it is tried again', async () => {
    const { _id } = await standing({ status: 'failed', runId: 'other' });
    const opening = { ...EXECUTION, runId: 'mine', isReset: true };
    const { openedAt } = (await fixture.store.rounds.open(_id, opening))!;
    const scheduledAt = new Date(EXECUTION.scheduledAt.getTime() + 1);
    const retried = await fixture.store.rounds.open(_id, { ...opening, scheduledAt });
    expect(retried).toMatchObject({ replays: 1, replayRequestedAt: openedAt });
  });

  const attempt = (
    delivery: DeliveryRecord,
    status: 'pending' | 'succeeded' | 'failed',
  ): Promise<unknown> => {
    const outcome = status === 'succeeded' ? 'succeeded' : 'failed';
    const made = {
      runId: 'mine',
      startedAt: new Date(),
      durationMs: 1,
      requestHeaders: {},
    } as const;
    const policy = { timeoutMs: 1000, retryDelaysMs: [1000] };
    const result = { status, nextDelayMs: status === 'pending' ? 1000 : null, policy };
    return fixture.store.rounds.record(delivery, { ...made, outcome }, result, true);
  };
  const deliveries = () => fixture.store.deliveries;
  const rounds = () => fixture.store.rounds;
  const succeedAfter = async (delivery: DeliveryRecord, endReason: EndReason): Promise<unknown> => {
    await deliveries().model.updateOne({ _id: delivery._id }, { $set: { endReason } });
    return attempt({ ...delivery, endReason }, 'succeeded');
  };
  const moves: Record<string, (delivery: DeliveryRecord) => Promise<unknown>> = {
    'an attempt fails': (delivery) => attempt(delivery, 'pending'),
    'an attempt succeeds': (delivery) => attempt(delivery, 'succeeded'),
    'an attempt in progress succeeds, if it was skipped by disabling': (delivery) =>
      succeedAfter(delivery, 'webhook_disabled'),
    'an attempt in progress succeeds, if its webhook was deleted': (delivery) =>
      succeedAfter(delivery, 'webhook_deleted'),
    'the last attempt fails': (delivery) => attempt(delivery, 'failed'),
    'its webhook is found paused': (delivery) => rounds().queue(delivery, 'mine', 'held'),
    'its webhook is disabled': async ({ webhookId, projectId }) => {
      const project = (await fixture.store.projects.get(projectId))!;
      await changeWebhook(fixture.store, project, webhookId, {
        isActive: false,
      });
    },
    cancelled: ({ _id }) => deliveries().cancel(_id),
    resumed: (delivery) => release(fixture.store, delivery),
    replayed: ({ _id, projectId }) => deliveries().beginReplay(projectId, _id),
  };
  const plans: Record<string, Partial<{ isActive: boolean; isPaused: boolean }>> = {
    planned: {},
    'planned while paused': { isPaused: true },
    'planned while disabled': { isActive: false },
  };

  it.each(edges)('that is %s becomes %s when %s', async (from, to, why) => {
    if (from === '[*]') {
      const project = await fixture.project();
      const webhook = await fixture.webhook(project, 'http://127.0.0.1:9/');
      const event = await fixture.event(project);
      const about = { at: event.acceptedAt };
      expect(newDelivery(event, { ...webhook, ...plans[why] }, about).status).toBe(to);
      return;
    }
    const delivery = await standing({ status: from, runId: 'mine' });
    await moves[why]!(delivery);
    const { status, nextAttemptAt, completedAt } = await fixture.delivery(delivery._id);
    expect(status).toBe(to);
    // Only what is pending has a next attempt, and only what has ended an end.
    expect(nextAttemptAt !== null).toBe(to === 'pending');
    expect(completedAt !== null).toBe(to !== 'pending' && to !== 'held');
  });

  it('keeps no answer if its payload is deleted as an attempt is logged', async () => {
    // It had ended: that changes neither its status nor its attempts.
    const delivery = await standing({ status: 'cancelled', runId: 'mine' });
    await expungeEvent(fixture.store, delivery.projectId, delivery.eventId);
    const made = { runId: 'mine', startedAt: new Date(), durationMs: 1, requestHeaders: {} };
    const answer = { responseBody: 'its payload', responseBodyCut: true } as const;
    const answered = { outcome: 'failed', statusCode: 500, ...answer } as const;
    const policy = { timeoutMs: 1000, retryDelaysMs: [] };
    const result = { status: 'failed', nextDelayMs: null, policy } as const;
    await rounds().record(delivery, { ...made, ...answered }, result, true);
    const { attempts } = await fixture.delivery(delivery._id);
    expect(attempts).toMatchObject([{ statusCode: 500 }]);
    expect(JSON.stringify(attempts)).not.toContain('its payload');
    expect(attempts[0]).not.toHaveProperty('responseBodyCut');
  });

  /** Where a delivery is, by docs/adr/0030. */
  const placeOf = ({ completedAt, queuedIn }: DeliveryRecord): string => {
    if (queuedIn !== undefined) return 'queued';
    return completedAt === null ? 'running' : 'ended';
  };
  const standings: Record<string, Partial<DeliveryRecord>> = {
    running: { runId: 'mine' },
    queued: { runId: 'mine', queuedIn: 'any', nextAttemptAt: null, deferredFor: 'webhook_busy' },
    ended: { runId: 'mine', status: 'failed', nextAttemptAt: null, completedAt: new Date() },
  };
  const queueMoves: Record<string, (delivery: DeliveryRecord) => Promise<unknown>> = {
    ...moves,
    'finds its webhook paused': (delivery) => rounds().queue(delivery, 'mine', 'held'),
    'finds no place': (delivery) => rounds().queue(delivery, 'mine', 'workers_busy'),
    released: (delivery) => release(fixture.store, delivery),
    'retried now': ({ _id }) => deliveries().hasten(_id),
    'reset by an operator': ({ _id }) =>
      rounds().open(_id, { ...EXECUTION, runId: 'other', isReset: true }),
    'executed again, after a death': ({ _id }) =>
      rounds().open(_id, { ...EXECUTION, runId: 'mine', isReset: false }),
    'held, and executed again': async (delivery) => {
      await deliveries().model.updateOne({ _id: delivery._id }, { $set: { status: 'held' } });
      await queueMoves['executed again, after a death']!(delivery);
      expect((await fixture.delivery(delivery._id)).queuedIn).toBe(delivery.queuedIn);
    },
    'replayed in bulk': async (delivery) => {
      const { projectId, webhookId } = delivery;
      const replay = await fixture.store.replays.create({
        _id: newId('replay'),
        projectId,
        query: { webhookId, statuses: ['failed'], since: new Date(0), until: new Date() },
        ratePerSecond: 1,
        status: 'running',
        matched: 1,
        completedAt: null,
      });
      expect(await queueReplays(fixture.store, replay, [delivery])).toBe(true);
      // Asked once more, it has got there before.
      expect(await queueReplays(fixture.store, replay, [delivery])).toBe(false);
    },
  };

  it.each(queueEdges)('that is %s is %s when %s', async (from, to, why) => {
    if (from === '[*]') {
      const project = await fixture.project();
      const webhook = await fixture.webhook(project, 'http://127.0.0.1:9/');
      const event = await fixture.event(project);
      const isBehind = why === 'planned behind others';
      const at = event.acceptedAt;
      const about = isBehind ? { at, behind: 'webhook_busy' as const } : { at };
      const isPaused = why === 'planned while paused';
      const planned = newDelivery(event, { ...webhook, isPaused }, about);
      expect(planned).toMatchObject({ queuedIn: project._id, nextAttemptAt: null });
      return;
    }
    const delivery = await standing(standings[from]!);
    await queueMoves[why]!(delivery);
    const after = await fixture.delivery(delivery._id);
    expect(placeOf(after)).toBe(to);
    // Only what runs is found by its time.
    expect(after.nextAttemptAt !== null).toBe(to === 'running');
  });

  const skipped = { status: 'skipped', endReason: 'webhook_disabled' } as const;
  it.each<[string, Partial<DeliveryRecord>, 'succeeded' | 'failed', 'ended' | 'superseded']>([
    ['cancelled', { status: 'cancelled' }, 'succeeded', 'ended'],
    ['skipped, replayed and skipped again', { ...skipped, replays: 1 }, 'succeeded', 'superseded'],
    ['skipped, if it fails,', skipped, 'failed', 'ended'],
  ])(
    'that was %s while an exchange was in progress logs the attempt, and stays it',
    async (_what, change, outcome, recorded) => {
      const { status } = change;
      const loaded = await standing({ runId: 'mine' });
      await fixture.store.deliveries.model.updateOne({ _id: loaded._id }, { $set: change });
      expect(await attempt(loaded, outcome)).toMatchObject({ outcome: recorded, status });
      expect(await fixture.delivery(loaded._id)).toMatchObject({ ...change, attemptCount: 1 });
    },
  );

  it.each<[string, Partial<DeliveryRecord>]>([
    ['another run has opened it', { runId: 'other' }],
    ['another of its run has decided', { runId: 'mine' }],
    ['a later execution has opened it', { execution: new Date() }],
    ['a replay has been asked for', { runRequested: true }],
    ['it was replayed in bulk', { replays: 1 }],
  ])('is not decided by an execution that had loaded it before %s', async (_what, change) => {
    const loaded = await standing({ runId: null });
    await fixture.store.deliveries.model.updateOne({ _id: loaded._id }, { $set: change });
    expect(await attempt(loaded, 'failed')).toMatchObject({ outcome: 'superseded' });
    expect(await rounds().queue(loaded, 'mine', 'held')).toBe(false);
    expect(await rounds().skip(loaded, 'mine')).toBe(false);
    expect(await rounds().queue(loaded, 'mine', 'rate_limit')).toBe(false);
    const after = await fixture.delivery(loaded._id);
    expect(after).toMatchObject({ status: 'pending', deferredFor: null, ...change });
    expect(after.attempts).toMatchObject([{ outcome: 'failed', superseded: true }]);
  });
});
