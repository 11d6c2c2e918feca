import type { Attempt, DeliveryStatus } from '../../src/contracts/delivery';
import { newId, timeOf } from '../../src/contracts/ids';
import { BUCKET_GROWTH, Tally } from '../../src/domain/tally';
import { countHour } from '../../src/store/count-hours';
import { floorTo, type CountedHour } from '../../src/store/counted-hours';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import { deliveryStats } from '../../src/store/delivery-stats';
import { endDeliveriesOf } from '../../src/store/end-deliveries';
import { expungeEvent } from '../../src/store/expunge';
import { expectNoted, findHours } from '../../src/store/find-hours';
import { newDelivery } from '../../src/store/new-delivery';
import type { ProjectRecord } from '../../src/store/projects';
import { takeQueued } from '../../src/store/queue';
import { queueReplays } from '../../src/store/replay-selection';
import { settle } from '../../src/store/settlement';
import type { WebhookRecord } from '../../src/store/webhook-record';
import { idAt } from '../integration/api/insert';
import type { Fixture } from './fixture';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const HOURS = 4;

/** A random number by a seed, so that a failure can be repeated. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Everything that happens to deliveries, made by the code that makes it, in both modes. */
export class Scene {
  private readonly random: () => number;
  /** Its deliveries were made in the hours before this. */
  readonly until = floorTo(HOUR_MS, new Date(Date.now() - 2 * HOUR_MS));
  readonly since = new Date(this.until.getTime() - HOURS * HOUR_MS);
  private shift = 0;
  private settled = 0;
  /** When its deliveries are made; by default, at any time in these hours. */
  madeAt: (() => Date) | undefined;

  private constructor(
    private readonly fixture: Fixture,
    readonly project: ProjectRecord,
    readonly webhooks: WebhookRecord[],
    seed: number,
  ) {
    this.random = randomBy(seed);
  }

  static async open(fixture: Fixture, seed: number): Promise<Scene> {
    const project = await fixture.project();
    const webhooks = [
      await fixture.webhook(project, 'http://127.0.0.1:9/a'),
      await fixture.webhook(project, 'http://127.0.0.1:9/b'),
    ];
    const scene = new Scene(fixture, project, webhooks, seed);
    scene.shift = (await fixture.store.couriers.begin(project._id, new Date()))!.shift;
    return scene;
  }

  private get store() {
    return this.fixture.store;
  }

  pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  at(): Date {
    return new Date(this.since.getTime() + Math.floor(this.random() * HOURS * HOUR_MS));
  }

  private attempt(): Omit<Attempt, 'number'> {
    const statusCode = this.pick([200, 204, 301, 404, 500, undefined]);
    return {
      runId: 'run',
      startedAt: new Date(),
      durationMs: this.pick([0, 17, 120, 950]),
      outcome: statusCode !== undefined && statusCode < 300 ? 'succeeded' : 'failed',
      ...(statusCode === undefined ? { errorCode: 'timeout' } : { statusCode }),
      requestHeaders: {},
    };
  }

  private result({ outcome }: Pick<Attempt, 'outcome'>) {
    const policy = { timeoutMs: 1000, retryDelaysMs: [1000] };
    if (outcome === 'succeeded') return { status: 'succeeded' as const, nextDelayMs: null, policy };
    return this.random() < 0.5
      ? { status: 'failed' as const, nextDelayMs: null, policy }
      : { status: 'pending' as const, nextDelayMs: 1000, policy };
  }

  /** One of its deliveries, with that status. */
  private async some(
    statuses: readonly DeliveryStatus[],
    of: Partial<DeliveryRecord> = {},
  ): Promise<DeliveryRecord | null> {
    const found = await this.store.deliveries.model
      .find({ projectId: this.project._id, status: { $in: statuses }, ...of } as never)
      .lean<DeliveryRecord[]>();
    return found.length === 0 ? null : this.pick(found);
  }

  planAt(at: Date): Promise<unknown> {
    return this.store.deliveries.plan([this.new(false, at)]);
  }

  private new(isExpress: boolean, at = this.madeAt?.() ?? this.at()) {
    const expiresAt = new Date(Date.now() + 30 * DAY_MS);
    const event = { _id: newId('event'), type: 'email.sent', isExpress, expiresAt };
    const id = idAt('delivery', at);
    return newDelivery(event, this.pick(this.webhooks), { at, id });
  }

  private settle(what: Partial<Parameters<typeof settle>[3]>): Promise<unknown> {
    const nothing = { inserts: [], records: [], queued: [], health: [] };
    this.settled += 1;
    const at = { shift: this.shift, number: this.settled };
    return settle(this.store, this.project._id, at, { ...nothing, ...what });
  }

  readonly changes: Record<string, () => Promise<unknown>> = {
    planned: async () => this.store.deliveries.plan([this.new(false), this.new(false)]),
    tested: async () =>
      this.store.transaction((session) =>
        this.store.deliveries.insertAll([this.new(false)], session),
      ),
    'taken by a courier': async () => {
      const attempt = { ...this.attempt(), number: 1 };
      const { status } = this.result(attempt);
      const completedAt = status === 'pending' ? null : new Date();
      const sent = { attempts: [attempt], attemptCount: 1, status, completedAt };
      await this.settle({ inserts: [this.new(true), { ...this.new(true), ...sent }] });
    },
    'attempted by a courier': async () => {
      const delivery = await this.some(['pending'], { isExpress: true });
      if (!delivery) return;
      // Cancelled during the attempt, which has taken long.
      const isLate = this.random() < 0.5;
      if (isLate) await this.store.deliveries.cancel(delivery._id);
      const number = delivery.attemptCount + 1;
      const startedAt = new Date(Date.now() - (isLate ? MINUTE_MS : 0));
      const attempt = { ...this.attempt(), number, startedAt };
      await this.settle({ records: [{ delivery, attempt, result: this.result(attempt) }] });
    },
    'queued by a courier': async () => {
      const delivery = await this.some(['pending'], { isExpress: true });
      const queuedIn = this.project._id;
      const as = this.pick(['held', 'skipped', 'rate_limit'] as const);
      if (delivery) await this.settle({ queued: [{ delivery, as, queuedIn }] });
    },
    'let out of the queue': async () => {
      const order = 'oldest_first' as const;
      for (const { _id } of this.webhooks) {
        await takeQueued(this.store, this.project._id, _id, {
          taken: [],
          order,
          before: null,
          limit: 3,
          takesOver: true,
        });
      }
    },
    'attempted by a workflow': async () => {
      const loaded = await this.some(['pending']);
      if (!loaded) return;
      if (this.random() < 0.3) await this.store.deliveries.cancel(loaded._id);
      const attempt = this.attempt();
      await this.store.rounds.record(loaded, attempt, this.result(attempt), this.random() < 0.8);
    },
    'held or skipped by a workflow': async () => {
      const loaded = await this.some(['pending']);
      if (!loaded) return;
      if (this.random() < 0.5) await this.store.rounds.skip(loaded, 'run');
      else await this.store.rounds.queue(loaded, 'run', 'held');
    },
    cancelled: async () => {
      const delivery = await this.some(['pending', 'held']);
      const run = { runId: 'run', mayBeRequested: false, scheduledAt: new Date() };
      if (delivery) await this.store.rounds.cancel(delivery._id, run);
    },
    replayed: async () => {
      const delivery = await this.some(['succeeded', 'failed', 'skipped', 'cancelled']);
      if (delivery) await this.store.deliveries.beginReplay(this.project._id, delivery._id);
    },
    'replayed in bulk': async () => {
      const ended = ['succeeded', 'failed'] as const;
      const deliveries = await this.store.deliveries.model
        .find({ projectId: this.project._id, status: { $in: ended } })
        .sort({ _id: 1 })
        .limit(3)
        .lean<DeliveryRecord[]>();
      if (deliveries.length === 0) return;
      const replay = await this.store.replays.create({
        _id: newId('replay'),
        projectId: this.project._id,
        query: { statuses: [...ended], since: this.since, until: this.until },
        ratePerSecond: 10,
        status: 'running',
        matched: deliveries.length,
        endedBy: new Date(),
        completedAt: null,
      });
      await queueReplays(this.store, replay, deliveries);
    },
    'reset by an operator': async () => {
      const delivery = await this.some(['succeeded', 'failed', 'cancelled', 'pending']);
      const run = { runId: newId('event'), isReset: true, isForced: false };
      if (delivery) {
        await this.store.rounds.open(delivery._id, { ...run, scheduledAt: new Date() });
      }
    },
    'ended with its webhook': async () => {
      const webhook = this.pick(this.webhooks);
      await this.store.transaction((session) =>
        this.store.endings.note(webhook, 'webhook_disabled', session),
      );
      await endDeliveriesOf(this.store, webhook._id);
    },
    expunged: async () => {
      const event = await this.fixture.event(this.project);
      const delivery = await this.some(['pending', 'failed']);
      if (!delivery) return;
      await this.store.deliveries.model.updateOne(
        { _id: delivery._id },
        { $set: { eventId: event._id } },
      );
      await expungeEvent(this.store, this.project._id, event._id);
    },
  };

  /** As if all that has ended had ended long ago: what is counted then counts as settled. */
  async age(): Promise<void> {
    await this.store.deliveries.model.updateMany(
      { projectId: this.project._id, completedAt: { $type: 'date' } },
      { $set: { completedAt: this.until } },
    );
  }

  /** What housekeeping does, without its pauses. */
  async count(): Promise<void> {
    while (await findHours(this.store, this.project._id));
    await expectNoted(this.store);
    for (const hour of await this.hours()) await countHour(this.store, hour);
  }

  hours(): Promise<CountedHour[]> {
    return this.store.countedHours.model
      .find({ projectId: this.project._id })
      .sort({ hour: 1 })
      .lean<CountedHour[]>();
  }

  /** Compares statistics of all kinds of ranges with the log, counted here one by one. */
  async compare(): Promise<void> {
    const [from, to] = [this.at(), this.at()].toSorted((a, b) => a.getTime() - b.getTime());
    const ranges = [
      { since: new Date(this.since.getTime() - HOUR_MS), until: this.until },
      { since: from!, until: new Date(to!.getTime() + 1) },
    ];
    const log = await this.store.deliveries.model
      .find({ projectId: this.project._id })
      .lean<DeliveryRecord[]>();
    for (const range of ranges) {
      for (const webhookId of [undefined, ...this.webhooks.map(({ _id }) => _id)]) {
        const counted = log.filter((delivery) => {
          const at = timeOf(delivery._id);
          const isOf = webhookId === undefined || delivery.webhookId === webhookId;
          return isOf && at >= range.since && at < range.until;
        });
        const query = { projectId: this.project._id, ...range };
        const stats = await deliveryStats(this.store, {
          ...query,
          ...(webhookId !== undefined && { webhookId }),
        });
        expect(stats).toMatchObject(tallyOf(counted).stats());
        for (const { hour, ...figures } of stats.hours!) {
          const within = counted.filter(
            ({ _id }) => Number(floorTo(HOUR_MS, timeOf(_id))) === Number(hour),
          );
          expect(figures).toMatchObject(tallyOf(within).stats());
        }
      }
    }
  }
}

function tallyOf(deliveries: readonly DeliveryRecord[]): Tally {
  const tally = new Tally();
  for (const { status, attempts } of deliveries) {
    tally.countDeliveries(status, 1);
    for (const { outcome, statusCode, durationMs } of attempts) {
      const isAnswered = statusCode !== undefined;
      const bucket = isAnswered
        ? Math.floor(Math.log(durationMs + 1) / Math.log(BUCKET_GROWTH))
        : null;
      const digit = isAnswered ? Math.floor(statusCode / 100) : null;
      tally.countAttempts({ outcome, statusCode: digit, bucket }, 1);
    }
  }
  return tally;
}
