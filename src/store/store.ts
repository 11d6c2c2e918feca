import { setTimeout as sleep } from 'node:timers/promises';
import mongoose, {
  type ClientSession,
  type Connection,
  type ConnectOptions,
  type Model,
} from 'mongoose';
import type { Logger } from 'pino';
import { clock } from '../clock';
import { HOUR_MS } from '../domain/durations';
import { Audit } from './audit';
import { Couriers } from './couriers';
import { current } from './linearizable';
import { deleteOfProject } from './delete-of-project';
import { Deliveries } from './deliveries';
import { Endings } from './endings';
import { endDeliveriesOf } from './end-deliveries';
import type { DeliveryRecord } from './delivery-record';
import { repairDriver } from './driver-patch';
import { isDuplicateKey } from './errors';
import { EventTypes } from './event-types';
import { Events } from './events';
import type { EventRecord } from './event-record';
import { Inbound, type InboundRecord } from './provider-reports';
import { Keys } from './keys';
import { Mails } from './mail-outbox';
import type { NewEvent } from './new-event';
import { whyUnfit } from './fitness';
import { ensureIndexes, findMissingIndex } from './indexes';
import { migrate, whatIsDue } from './migrations';
import { SearchPositions } from './search-positions';
import { Projects } from './projects';
import { Replays } from './replays';
import { Rounds } from './rounds';
import { limitReads } from './time-limit';
import { Webhooks } from './webhooks';

/**
 * Milliseconds between heartbeats, and for the answer to one. A server that is gone is noticed at once;
 * one that hangs, its connections open, by a heartbeat without an answer: then the driver breaks off
 * all that is under way on them. What only takes long is let finish, hence no socketTimeoutMS.
 */
const HEARTBEAT_MS = 1000;
const HEARTBEAT_TIMEOUT_MS = 3000;
/**
 * Milliseconds that a call waits for a primary before it says that MongoDB is away; with the two above
 * less than an attempt's recording margin. An election takes about as long.
 */
const SERVER_SELECTION_TIMEOUT_MS = 5000;
/** Milliseconds that it waits for a connection: the driver has no limit for the login on a new one. */
const CHECKOUT_TIMEOUT_MS = 10_000;
/** Milliseconds between tries to connect for the first time. */
const CONNECT_RETRY_MS = 500;

/** Expired events looked at together. */
const EXPIRED_BATCH = 500;
/** How much later one that is still needed is looked at again. */
const LOOK_AGAIN_MS = HOUR_MS;

/** How often equal reports are looked up again after another request has stored one of them. */
const INSERT_TRIES = 5;

/** mongoose takes its options out of the object that it is given, so each call needs its own. */
const connectOptions = (): ConnectOptions & { bufferTimeoutMS: number } => ({
  autoIndex: false,
  autoCreate: false,
  bufferCommands: true,
  bufferTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  heartbeatFrequencyMS: HEARTBEAT_MS,
  connectTimeoutMS: HEARTBEAT_TIMEOUT_MS,
  waitQueueTimeoutMS: CHECKOUT_TIMEOUT_MS,
  // What is acknowledged is on disk on a majority: the promise "nothing is lost" rests on it.
  writeConcern: { w: 'majority', journal: true },
  // Not `majority`: a new primary has all of that, but takes a moment to know that a majority has it.
  readConcern: { level: 'local' },
});

/** All of Posthorn's state in MongoDB: one repository a resource. Plain objects leave it, documents don't. */
export class Store {
  readonly projects: Projects;
  readonly keys: Keys;
  readonly webhooks: Webhooks;
  readonly events: Events;
  readonly eventTypes: EventTypes;
  readonly catalogTypes: EventTypes;
  readonly deliveries: Deliveries;
  readonly rounds: Rounds;
  readonly endings: Endings;
  readonly inbound: Inbound;
  readonly replays: Replays;
  readonly audit: Audit;
  readonly mails: Mails;
  readonly couriers: Couriers;
  readonly searchPositions: SearchPositions;
  private closed = false;

  private constructor(
    private readonly connection: Connection,
    private readonly url: string,
  ) {
    connection.plugin(limitReads);
    this.projects = new Projects(connection);
    this.keys = new Keys(connection);
    this.webhooks = new Webhooks(connection);
    this.events = new Events(connection);
    this.eventTypes = EventTypes.ofProjects(connection);
    this.catalogTypes = EventTypes.ofCatalogs(connection);
    this.deliveries = new Deliveries(connection);
    this.rounds = new Rounds(this.deliveries.model);
    this.endings = new Endings(connection);
    this.inbound = new Inbound(connection);
    this.replays = new Replays(connection);
    this.audit = new Audit(connection);
    this.mails = new Mails(connection);
    this.couriers = new Couriers(connection);
    this.searchPositions = new SearchPositions(connection);
  }

  /**
   * Connects lazily: a MongoDB that is away at the start is waited for by each call, so that the
   * processes of a stack can start in any order.
   * @param url with the database's name in its path
   */
  static open(url: string): Store {
    repairDriver();
    const connection = mongoose.createConnection(url, connectOptions());
    // Each call reports its own failure; without a listener the first one would end the process.
    connection.on('error', () => {});
    const store = new Store(connection, url);
    void store.untilConnected();
    return store;
  }

  /**
   * Brings what earlier versions have stored up to this one, and makes the collections and indexes that
   * are missing. Idempotent; of several processes that do so at once, one does and the others wait.
   * @throws StartError when somebody has to decide
   */
  async setUp(log: Logger): Promise<void> {
    await this.readClock();
    await migrate(this.connection, undefined, {
      afterwards: async () => {
        for (const { model } of this.repositories()) await ensureIndexes(model, log);
      },
    });
  }

  /** Why MongoDB can't carry Posthorn, in one sentence with setting and address; null when it can. */
  async whyUnfit(): Promise<string | null> {
    return whyUnfit(this.connection, this.url);
  }

  /** Learns MongoDB's time, and by it whether this process's own clock is right. */
  async readClock(): Promise<void> {
    await this.connection.asPromise();
    await clock.read(async () => {
      const { localTime } = await this.connection.db!.command({ hello: 1 });
      return localTime as Date;
    });
  }

  /** What `setUp` has still to do, in a few words; null when nothing. */
  async whatIsMissing(): Promise<string | null> {
    const models = this.repositories().map(({ model }) => model);
    return (await whatIsDue(this.connection)) ?? findMissingIndex(this.connection, models);
  }

  /** @throws when MongoDB can't be reached or has no primary */
  async ping(): Promise<void> {
    await this.connection.asPromise();
    await this.connection.db!.command({ ping: 1 });
  }

  /** Runs `work` in a transaction; it may run more than once. */
  async transaction<T>(work: (session: ClientSession) => Promise<T>): Promise<T> {
    return this.connection.withSession((session) => session.withTransaction(() => work(session)));
  }

  /**
   * Makes one more of what a project may have `max` of. Of two requests at once the second counts what
   * the first has made.
   * @param count up to `max`
   * @returns null when it has them already, or is gone
   */
  async makeWithin<T>(
    projectId: string,
    max: number,
    count: (session: ClientSession) => Promise<number>,
    make: (session: ClientSession) => Promise<T>,
  ): Promise<T | null> {
    return this.transaction(async (session) => {
      const mayCount = await this.projects.takeTurn(projectId, session);
      return mayCount && (await count(session)) < max ? make(session) : null;
    });
  }

  /**
   * Deletes a project with all that is its own. From the first step on it is as if it were gone; cut off
   * after that, whoever asks for it again finishes it, or reconcile does.
   * @returns false when there is nothing left of it
   */
  async deleteProject(id: string): Promise<boolean> {
    const deleted = await this.transaction(async (session) => {
      if (!(await this.projects.markDeleted(id, session))) return false;
      await this.webhooks.deleteAll(id, session);
      await this.keys.deleteAll(id, session);
      await this.eventTypes.deleteAll(id, session);
      await this.mails.deleteAll(id, session);
      await this.replays.deleteAll(id, session);
      await this.endings.deleteAll(id, session);
      return true;
    });
    if (deleted) await this.finishDeletion(id);
    return deleted;
  }

  /** Deletes what may be too much for one transaction, and then the project itself. Idempotent. */
  async finishDeletion(projectId: string): Promise<void> {
    while (await this.deleteSomeOf(projectId));
  }

  /**
   * A part of it that is over soon.
   * @returns whether there is more
   */
  async deleteSomeOf(projectId: string): Promise<boolean> {
    if (await deleteOfProject(this.events.model, projectId)) return true;
    if (await deleteOfProject(this.deliveries.model, projectId)) return true;
    if (await deleteOfProject(this.inbound.model, projectId)) return true;
    await this.couriers.delete(projectId);
    await this.projects.delete(projectId);
    return false;
  }

  /**
   * Deletes some of the events whose time has come. One with a delivery that has not ended, or is to be
   * kept on since it ended late, is looked at again an hour later. The deliveries are removed by MongoDB
   * itself.
   * @returns whether there may be more
   */
  async removeSomeExpired(): Promise<boolean> {
    const expired = await this.events.listExpired(EXPIRED_BATCH);
    const needed = new Set(await this.deliveries.listEventsNeeded(expired));
    await this.events.keep([...needed], LOOK_AGAIN_MS);
    await this.events.remove(expired.filter((id) => !needed.has(id)));
    return expired.length === EXPIRED_BATCH;
  }

  /**
   * Ends a delivery whose event, webhook or project was deleted.
   * @returns false when they are all there, or it has ended
   */
  async cancelOrphan({ _id, eventId, webhookId, projectId }: DeliveryRecord): Promise<boolean> {
    const found = await Promise.all([
      current(this.events.model.exists({ _id: eventId })),
      current(this.webhooks.model.exists({ _id: webhookId })),
      current(this.projects.model.exists({ _id: projectId, deletedAt: null })),
    ]);
    return found.includes(null) && this.deliveries.cancel(_id);
  }

  /** Deletes a webhook; its deliveries stay readable, those that have not ended end `cancelled`. */
  async deleteWebhook(projectId: string, id: string): Promise<boolean> {
    const isDeleted = await this.transaction(async (session) => {
      if (!(await this.webhooks.delete(projectId, id, session))) return false;
      await this.projects.freeWebhookPlace(projectId, session);
      await this.endings.note({ _id: id, projectId }, 'webhook_deleted', session);
      return true;
    });
    if (isDeleted) await endDeliveriesOf(this, id);
    return isDeleted;
  }

  /**
   * Stores a batch, all of it or nothing.
   * @returns the events as stored, and whether their idempotency keys were there before: then those
   *   stored under them, which may be of another batch
   */
  async insertBatch(
    events: readonly NewEvent[],
  ): Promise<{ events: EventRecord[]; duplicate: boolean }> {
    try {
      const stored = await this.transaction((session) => this.events.insertAll(events, session));
      return { events: stored, duplicate: false };
    } catch (error) {
      const [first] = events;
      if (!isDuplicateKey(error) || first?.idempotencyKey === undefined) throw error;
      const stored = await this.events.listByKeys(
        first.projectId,
        events.flatMap(({ idempotencyKey }) => idempotencyKey ?? []),
      );
      if (stored.length === 0) throw error;
      return { events: stored, duplicate: true };
    }
  }

  /**
   * Stores what a provider reported in one request, with the events that it became: all of it or
   * nothing, so that no report is known whose event is lost. Reports stored before are left out.
   * @returns the events, now safe
   */
  async insertReports(
    reports: readonly { record: InboundRecord; event: NewEvent | null }[],
  ): Promise<EventRecord[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.transaction(async (session) => {
          const fresh = await this.inbound.onlyNew(reports, session);
          if (fresh.length === 0) return [];
          await this.inbound.insertAll(
            fresh.map(({ record }) => record),
            session,
          );
          return this.events.insertAll(
            fresh.flatMap(({ event }) => event ?? []),
            session,
          );
        });
      } catch (error) {
        // The same report came in twice at once: the other request stored it, so it is known now.
        if (!isDuplicateKey(error) || tries === INSERT_TRIES) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connection.close();
  }

  /** mongoose reconnects by itself, but gives up when MongoDB is away at the very first try. */
  private async untilConnected(): Promise<void> {
    for (;;) {
      const connected = await this.connection.asPromise().then(
        () => true,
        () => false,
      );
      if (connected) return;
      await sleep(CONNECT_RETRY_MS, undefined, { ref: false });
      if (this.closed) return;
      this.connection.openUri(this.url, connectOptions()).catch(() => {});
    }
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- whatever is stored in it
  private repositories(): { model: Model<any> }[] {
    return [
      this.projects,
      this.keys,
      this.webhooks,
      this.events,
      this.eventTypes,
      this.catalogTypes,
      this.deliveries,
      this.endings,
      this.inbound,
      this.replays,
      this.audit,
      this.mails,
      this.couriers,
      this.searchPositions,
    ];
  }
}
