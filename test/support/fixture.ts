import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createActivities } from '../../activities';
import type { ActivityDependencies, ActivityEngine } from '../../activities/dependencies';
import type { Activities, PlannedDelivery } from '../../src/contracts/activities';
import { newId } from '../../src/contracts/ids';
import { AddressGuard } from '../../src/delivery/address-guard';
import { HttpSender } from '../../src/delivery/http';
import { generateSecret } from '../../src/delivery/signing';
import { DEFAULT_PROFILE, getProfile } from '../../src/profiles';
import { Cipher } from '../../src/store/cipher';
import type { DeliveryRecord } from '../../src/store/delivery-record';
import type { EventRecord } from '../../src/store/event-record';
import type { ProjectRecord } from '../../src/store/projects';
import type { Store } from '../../src/store/store';
import type { NewWebhook, WebhookRecord } from '../../src/store/webhook-record';
import { CourierCalls } from '../../src/temporal/courier-calls';
import { TenantCpu } from '../../src/tenant-cpu/tenant-cpu';
import { connectedStore } from './connected-store';
import { DEFAULTS, freshMongodbUrl } from './embedded';
import { readClock } from './precise-clock';
import { emailSent } from './samples';
import { CHILD_FILE } from './tenant-cpu';

const DAY_MS = 24 * 60 * 60 * 1000;

const refuse = (): never => {
  throw new Error('this test starts its workflows itself');
};
const noEngine: ActivityEngine = {
  startFanOut: refuse,
  wakeCourier: refuse,
  findRun: refuse,
  activityOf: refuse,
  listRunning: refuse,
  find: refuse,
  state: refuse,
  signalDelivery: refuse,
  isUnderWay: async () => true,
  isOwnReset: async () => false,
  runAgain: refuse,
  startReplay: refuse,
};

/** A store with a database of its own and real activities on it, for tests without the HTTP API. */
export class Fixture {
  private constructor(
    readonly store: Store,
    readonly dependencies: ActivityDependencies,
  ) {}

  static async open(): Promise<Fixture> {
    const store = await connectedStore(freshMongodbUrl(), DEFAULTS);
    await store.setUp(pino({ level: 'silent' }));
    await readClock(store);
    const log = pino({ level: 'silent' });
    return new Fixture(store, {
      store,
      cipher: new Cipher(randomBytes(32)),
      sender: new HttpSender({
        guard: new AddressGuard({ allowLoopback: true, allowedCidrs: [] }),
        maxConnectionsPerOrigin: 100,
      }),
      engine: noEngine,
      couriers: new CourierCalls(noEngine, store.couriers, log),
      mailer: null,
      tenantCpu: new TenantCpu(30, CHILD_FILE),
      log,
      maxAttempts: 100,
      maxAttemptsPerWebhook: 10,
      version: 'test',
    });
  }

  activities(overrides: Partial<ActivityDependencies> = {}): Activities {
    return createActivities({ ...this.dependencies, ...overrides });
  }

  project(
    policy: ProjectRecord['policy'] = {},
    profile: string = DEFAULT_PROFILE,
  ): Promise<ProjectRecord> {
    return this.store.projects.create({
      name: 'Test',
      profile,
      plan: null,
      ownerEmail: null,
      dispatch: null,
      policy,
    });
  }

  /** A webhook of that project, subscribed to everything, and its secret. */
  async webhook(
    project: ProjectRecord,
    url: string,
    fields: Partial<NewWebhook> = {},
  ): Promise<WebhookRecord & { secret: string }> {
    const id = newId('webhook');
    const { signing, secretFormat } = getProfile(project.profile);
    const secret = generateSecret(secretFormat);
    const webhook = await this.store.transaction((session) =>
      this.store.webhooks.create(
        {
          _id: id,
          projectId: project._id,
          name: 'Orders',
          description: null,
          url,
          events: ['*'],
          signing: [...signing],
          policy: {},
          headers: null,
          secrets: [this.dependencies.cipher.seal(secret, id)],
          ...fields,
        },
        session,
      ),
    );
    return { ...webhook, secret };
  }

  /** An accepted event whose fan-out hasn't run. */
  async event(project: ProjectRecord, type = 'email.sent'): Promise<EventRecord> {
    const now = new Date();
    const event = {
      _id: newId('event'),
      projectId: project._id,
      type,
      createdAt: now,
      acceptedAt: now,
      body: JSON.stringify({ type, createdAt: now.toISOString(), data: emailSent }),
      expiresAt: new Date(now.getTime() + 30 * DAY_MS),
    };
    const stored = await this.store.events.insert(event);
    return { ...stored.event, body: event.body };
  }

  /** An event planned for one webhook of a new project, or of that one, its workflow not started. */
  async planned(
    url: string,
    fields: Partial<NewWebhook> = {},
    inProject?: ProjectRecord,
  ): Promise<{
    project: ProjectRecord;
    webhook: WebhookRecord & { secret: string };
    event: EventRecord;
    planned: PlannedDelivery;
  }> {
    const project = inProject ?? (await this.project());
    const webhook = await this.webhook(project, url, fields);
    const event = await this.event(project);
    const { deliveries } = await this.activities().planDeliveries(event._id);
    return { project, webhook, event, planned: deliveries[0]! };
  }

  /** @throws when there is none */
  async delivery(id: string): Promise<DeliveryRecord> {
    const delivery = await this.store.deliveries.find(id);
    if (!delivery) throw new Error(`no delivery ${id}`);
    return delivery;
  }

  /** @throws when there is none */
  async health(webhook: WebhookRecord): Promise<WebhookRecord> {
    const found = await this.store.webhooks.get(webhook.projectId, webhook._id);
    if (!found) throw new Error(`no webhook ${webhook._id}`);
    return found;
  }

  /** Drops the database. */
  async close(): Promise<void> {
    await this.dependencies.sender.close();
    this.dependencies.tenantCpu.close();
    await this.store.horizon.close();
    await this.store.events.model.db.dropDatabase();
    await this.store.close();
  }
}
