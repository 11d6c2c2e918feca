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

class Connected {
  constructor(protected readonly connection: Connection) {
    // For the models that are made with it afterwards.
    connection.plugin(limitReads);
  }
}

/** Posthorn's state in MongoDB: the connection, and a repository per collection. It returns plain objects. */
export class Store extends Connected {
  readonly horizon = new Horizon(this.connection);
  readonly projects = new Projects(this.connection);
  readonly keys = new Keys(this.connection);
  readonly webhooks = new Webhooks(this.connection);
  readonly webhookHealth = new WebhookHealth(this.webhooks.model);
  readonly events = new Events(this.connection, this.horizon);
  readonly eventTypes = new EventTypes(this.connection, 'projectId', 'eventTypes');
  readonly catalogTypes = new EventTypes(this.connection, 'catalog', 'catalogTypes');
  readonly recounts = new Recounts(this.connection);
  readonly deliveries = new Deliveries(this.connection, this.horizon, this.recounts);
  readonly rounds = new Rounds(this.deliveries.model, this.recounts);
  readonly upgradeRepair = new UpgradeRepair(this.connection, this.deliveries.model);
  readonly deliveryChanges = new DeliveryChanges(this.connection, this.deliveries);
  readonly endings = new Endings(this.connection);
  readonly inbound = new Inbound(this.connection);
  readonly replays = new Replays(this.connection);
  readonly audit = new Audit(this.connection);
  readonly mails = new Mails(this.connection);
  readonly couriers = new Couriers(this.connection);
  readonly searchPositions = new SearchPositions(this.connection);
  readonly sessions = new Sessions(this.connection);
  readonly signInLinks = new SignInLinks(this.connection);
  readonly countedHours = new CountedHours(this.connection);
  readonly counts = new Counts(this.connection);
  private closed = false;

  private constructor(
    connection: Connection,
    private readonly url: string,
    readonly defaults: ProjectDefaults,
  ) {
    super(connection);
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
      log,
      interrupted,
      afterwards: async () => {
        for (const model of Object.values(this.connection.models)) await ensureIndexes(model, log);
      },
    });
    log.info({ database: this.connection.name }, 'MongoDB is set up');
  }

  /** Why MongoDB is not fit for Posthorn, in one sentence with setting and address; null if it is. */
  async whyUnfit(): Promise<string | null> {
    return whyUnfit(this.connection, this.url);
  }

  /**
   * Reads MongoDB's time, and so learns whether this process's own clock is right.
   * @throws if MongoDB can't be reached or has no primary
   */
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
