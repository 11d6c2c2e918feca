import { clock } from '../../src/clock';
import { policyOf } from '../../src/profiles/policy';
import { QUEUE_KINDS } from '../../src/store/delivery-record';
import type { ProjectRecord } from '../../src/store/projects';
import { listQueueing } from '../../src/store/queue';
import type { Store } from '../../src/store/store';
import type { WebhookRecord } from '../../src/store/webhook-record';
import type { Hand } from './hand';
import { Lane } from './lane';
import { Subscriptions } from './subscriptions';

/** How old the view may be while nothing new comes. */
const REFRESH_MS = 250;
/** How often all webhooks are read, not only recently changed ones. */
const REREAD_MS = 10_000;
/** Maximum inaccuracy of the times of changes, including the duration of their commits. */
const CHANGED_MARGIN_MS = 15_000;
/** How often MongoDB's queues are checked for what others have put there. */
const QUEUE_CHECK_MS = 1000;

/** A shift's view of its project and the project's webhooks. */
export class View {
  /** As last read. */
  project!: ProjectRecord;
  /** The project was deleted. */
  isGone = false;
  readonly subscriptions = new Subscriptions();
  /** When what is known of webhooks was read last, by the monotonic clock. */
  refreshedAt = -Infinity;
  private rereadAt = -Infinity;
  private queueCheckedAt = -Infinity;

  constructor(
    private readonly store: Store,
    readonly projectId: string,
    private readonly hand: Hand,
  ) {}

  /**
   * Reads what has changed, and takes out of its lane what may no longer be sent.
   * @param isWanted even if it is not due
   */
  async refresh(isWanted: boolean): Promise<void> {
    const at = performance.now();
    if (!isWanted && at - this.refreshedAt < REFRESH_MS) return;
    const { store, projectId, hand } = this;
    const since = new Date(clock.now().getTime() - CHANGED_MARGIN_MS);
    const [project, changed] = await Promise.all([
      store.projects.get(projectId),
      store.webhooks.listAll(projectId, since),
    ]);
    this.isGone = project === null;
    if (!project) return;
    const before = this.project as ProjectRecord | undefined;
    this.project = project;
    this.know(changed);
    // The project's policy applies to all.
    const isOther = before?.updatedAt.getTime() !== project.updatedAt.getTime();
    if (isOther) this.know([...hand.lanes.values()].map(({ webhook }) => webhook));
    // A deleted webhook only shows in the count.
    const isMissed = hand.lanes.size !== project.webhookCount;
    if (isMissed || at - this.rereadAt > REREAD_MS) {
      this.rereadAt = at;
      const webhooks = await store.webhooks.listAll(projectId);
      this.know(webhooks);
      const ids = new Set(webhooks.map(({ _id }) => _id));
      for (const [id, lane] of hand.lanes) {
        if (ids.has(id)) continue;
        this.subscriptions.remove(id);
        hand.drop(lane);
      }
    }
    if (at - this.queueCheckedAt > QUEUE_CHECK_MS) {
      this.queueCheckedAt = at;
      for (const kind of QUEUE_KINDS) {
        for (const id of await listQueueing(store, projectId, kind)) {
          const lane = hand.lanes.get(id);
          if (!lane || lane.queued.has(kind)) continue;
          lane.queued.add(kind);
          // A workflow's attempt found no slot: what came after it keeps its place behind it. What is in hand for
          // workflows is in the queue itself.
          if (lane.holding.every(({ delivery }) => delivery.isExpress)) hand.putBackOf(lane, kind);
        }
      }
    }
    this.refreshedAt = at;
  }

  private know(webhooks: readonly WebhookRecord[]): void {
    const { lanes } = this.hand;
    for (const webhook of webhooks) {
      const policy = policyOf(this.project, webhook);
      const known = lanes.get(webhook._id);
      // Others may have held something of it that is not known here.
      if (known?.webhook.isPaused && !webhook.isPaused) this.queueCheckedAt = -Infinity;
      const lane = known ? Object.assign(known, { webhook, policy }) : new Lane(webhook, policy);
      lanes.set(webhook._id, lane);
      this.subscriptions.put(webhook);
      this.hand.recheck(lane);
    }
  }
}
