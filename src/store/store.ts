import { setTimeout as sleep } from 'node:timers/promises';
import mongoose, { type ClientSession, type Connection, type ConnectOptions } from 'mongoose';
import type { Logger } from 'pino';
import { clock } from '../clock';
import { Audit } from './audit';
import { CountedHours, Counts, Recounts } from './counted-hours';
import { Couriers } from './couriers';
import { Deliveries } from './deliveries';
import { DeliveryChanges } from './delivery-changes';
import { Endings } from './endings';
import { repairDriver } from './driver-patch';
import { EventTypes } from './event-types';
import { Events } from './events';
import { Inbound } from './provider-reports';
import { Horizon } from './horizon';
import { Keys } from './keys';
import { Mails } from './mail-outbox';
import { whyUnfit } from './fitness';
import { ensureIndexes, findMissingIndex } from './indexes';
import { migrate, whatIsDue } from './migrations';
import { SearchPositions } from './search-positions';
import { Projects, type ProjectDefaults } from './projects';
import { Replays } from './replays';
import { Rounds } from './rounds';
import { Sessions, SignInLinks } from './sessions';
import { limitReads, MAX_CONFIRM_MS } from './time-limit';
import { UpgradeRepair } from './upgrade-repair';
import { WebhookHealth } from './webhook-health';
import { Webhooks } from './webhooks';

/**
 * Milliseconds between heartbeats, and for the answer to one. A server that is gone is noticed at once;
 * one that hangs with its connections open is noticed by an unanswered heartbeat, and the driver then aborts
 * everything in progress on them. What is merely slow may finish, hence no socketTimeoutMS.
 */
const HEARTBEAT_MS = 1000;
const HEARTBEAT_TIMEOUT_MS = 3000;
/**
 * Milliseconds that a call waits for a primary before it reports that MongoDB is unavailable; together with
 * the two above, less than an attempt's recording margin. An election takes about as long.
 */
const SERVER_SELECTION_TIMEOUT_MS = 5000;
/** Milliseconds that it waits for a connection: the driver doesn't limit the login on a new one. */
const CHECKOUT_TIMEOUT_MS = 10_000;
/** Milliseconds between attempts to connect for the first time. */
const CONNECT_RETRY_MS = 500;

/** mongoose removes its options from the object that it is given, so each call needs its own. */
const connectOptions = (): ConnectOptions & { bufferTimeoutMS: number } => ({
  autoIndex: false,
  autoCreate: false,
  bufferCommands: true,
  bufferTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
  heartbeatFrequencyMS: HEARTBEAT_MS,
  connectTimeoutMS: HEARTBEAT_TIMEOUT_MS,
  waitQueueTimeoutMS: CHECKOUT_TIMEOUT_MS,
  // What is acknowledged is on the disks of a majority: the promise "nothing is lost" depends on it.
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: MAX_CONFIRM_MS },
  // Not `majority`: a new primary has all of that, but needs a moment to know that a majority does.
  readConcern: { level: 'local' },
});

/** Posthorn's state in MongoDB: the connection, and a repository per collection. It returns plain objects. */
export class Store {
  readonly horizon: Horizon;
  readonly projects: Projects;
  readonly keys: Keys;
  readonly webhooks: Webhooks;
  readonly webhookHealth: WebhookHealth;
  readonly events: Events;
  readonly eventTypes: EventTypes;
  readonly catalogTypes: EventTypes;
  readonly deliveries: Deliveries;
  readonly deliveryChanges: DeliveryChanges;
  readonly upgradeRepair: UpgradeRepair;
  readonly rounds: Rounds;
  readonly endings: Endings;
  readonly inbound: Inbound;
  readonly replays: Replays;
  readonly audit: Audit;
  readonly mails: Mails;
  readonly couriers: Couriers;
  readonly searchPositions: SearchPositions;
  readonly sessions: Sessions;
  readonly signInLinks: SignInLinks;
  readonly countedHours: CountedHours;
  readonly counts: Counts;
  readonly recounts: Recounts;
  private closed = false;

  private constructor(
    private readonly connection: Connection,
    private readonly url: string,
    readonly defaults: ProjectDefaults,
  ) {
    connection.plugin(limitReads);
    this.horizon = new Horizon(connection);
    this.projects = new Projects(connection);
    this.keys = new Keys(connection);
    this.webhooks = new Webhooks(connection);
    this.webhookHealth = new WebhookHealth(this.webhooks.model);
    this.events = new Events(connection, this.horizon);
    this.eventTypes = new EventTypes(connection, 'projectId', 'eventTypes');
    this.catalogTypes = new EventTypes(connection, 'catalog', 'catalogTypes');
    this.recounts = new Recounts(connection);
    this.deliveries = new Deliveries(connection, this.horizon, this.recounts);
    this.rounds = new Rounds(this.deliveries.model, this.recounts);
    this.upgradeRepair = new UpgradeRepair(connection, this.deliveries.model);
    this.deliveryChanges = new DeliveryChanges(connection, this.deliveries);
    this.endings = new Endings(connection);
    this.inbound = new Inbound(connection);
    this.replays = new Replays(connection);
    this.audit = new Audit(connection);
    this.mails = new Mails(connection);
    this.couriers = new Couriers(connection);
    this.searchPositions = new SearchPositions(connection);
    this.sessions = new Sessions(connection);
    this.signInLinks = new SignInLinks(connection);
    this.countedHours = new CountedHours(connection);
    this.counts = new Counts(connection);
  }

  /**
   * Connects lazily: while MongoDB is unavailable at the start, each call waits for it, so that the
   * processes of a stack can start in any order.
   * @param url with the database's name in its path
   */
  static open(url: string, defaults: ProjectDefaults): Store {
    repairDriver();
    const connection = mongoose.createConnection(url, connectOptions());
    // Each call reports its own failure; without a listener the first one would end the process.
    connection.on('error', () => {});
    const store = new Store(connection, url, defaults);
    void store.untilConnected();
    return store;
  }

  /**
   * Migrates what earlier versions have stored, and creates missing collections and indexes. Idempotent; if
   * several processes call it at once, one does the work and the others wait.
   * @throws StartError when an operator has to decide
   */
  async setUp(log: Logger, interrupted?: Promise<never>): Promise<void> {
    await this.readClock();
    await migrate(this.connection, undefined, {
      interrupted,
      afterwards: async () => {
        for (const model of Object.values(this.connection.models)) await ensureIndexes(model, log);
      },
    });
  }

  /** Why MongoDB is not fit for Posthorn, in one sentence with setting and address; null if it is. */
  async whyUnfit(): Promise<string | null> {
    return whyUnfit(this.connection, this.url);
  }

  /** Reads MongoDB's time, and so learns whether this process's own clock is right. */
  async readClock(): Promise<void> {
    await this.connection.asPromise();
    await clock.read(async () => {
      const { localTime } = await this.connection.db!.command({ hello: 1 });
      return localTime as Date;
    });
  }

  /** What `setUp` still has to do, in a few words; null: nothing. */
  async whatIsMissing(): Promise<string | null> {
    const models = Object.values(this.connection.models);
    return (await whatIsDue(this.connection)) ?? findMissingIndex(this.connection, models);
  }

  /** @throws if MongoDB can't be reached or has no primary */
  async ping(): Promise<void> {
    await this.connection.asPromise();
    await this.connection.db!.command({ ping: 1 });
  }

  /**
   * Runs `work` in a transaction; it may run more than once.
   * @param ids of the events and deliveries that it stores and that were made before
   */
  async transaction<T>(
    work: (session: ClientSession) => Promise<T>,
    ids: readonly string[] = [],
  ): Promise<T> {
    return this.horizon.during(
      () =>
        this.connection.withSession((session) =>
          session.withTransaction(() => work(session), { maxCommitTimeMS: MAX_CONFIRM_MS }),
        ),
      ids,
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.horizon.close().catch(() => {});
    await this.connection.close();
  }

  /** mongoose reconnects automatically, but gives up if MongoDB is unavailable at the first attempt. */
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
}
