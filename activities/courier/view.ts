import { policyOf } from '../../src/profiles/policy';
import { QUEUE_KINDS } from '../../src/store/delivery-record';
import type { ProjectRecord } from '../../src/store/projects';
import { listQueueing } from '../../src/store/queue';
import type { Store } from '../../src/store/store';
import type { WebhookRecord } from '../../src/store/webhook-record';
import type { Hand } from './hand';
import { Lane } from './lane';
import type { Lease } from './lease';

/** How old what is known may be while nothing new comes. */
const REFRESH_MS = 250;
/** How often all webhooks are read, not only those that were changed lately. */
const REREAD_MS = 10_000;
/** How far the times of changes are off at most, with what their commits took. */
const CHANGED_MARGIN_MS = 15_000;
/** How often MongoDB's queues are looked at for what others have put there. */
const QUEUE_CHECK_MS = 1000;

/** A shift's view of its project and that one's webhooks. */
export class View {
  /** As it was read last. */
  project!: ProjectRecord;
  /** The project was deleted. */
  isGone = false;
  /** By the monotonic clock. */
  private refreshedAt = -Infinity;
  private rereadAt = -Infinity;
  private queueCheckedAt = -Infinity;

  constructor(
    private readonly store: Store,
    readonly projectId: string,
    private readonly lease: Lease,
    private readonly hand: Hand,
  ) {}

  /**
   * Reads what has changed, and takes what may not go any more out of its line.
   * @param isWanted not only when it is due
   */
  async refresh(isWanted: boolean): Promise<void> {
    const at = performance.now();
    if (!isWanted && at - this.refreshedAt < REFRESH_MS) return;
    const { store, projectId, hand } = this;
    const since = new Date(this.lease.now().getTime() - CHANGED_MARGIN_MS);
    const [project, changed] = await Promise.all([
      store.projects.get(projectId),
      store.webhooks.listAll(projectId, since),
    ]);
    this.isGone = project === null;
    if (!project) return;
    const before = this.project as ProjectRecord | undefined;
    this.project = project;
    this.know(changed);
    // A webhook that was deleted leaves no trace but the count, and the policy of all may be the project's.
    const isMissed = hand.lanes.size !== project.webhookCount;
    const isOther = before?.updatedAt.getTime() !== project.updatedAt.getTime();
    if (isMissed || isOther || at - this.rereadAt > REREAD_MS) {
      this.rereadAt = at;
      const webhooks = await store.webhooks.listAll(projectId);
      this.know(webhooks);
      const ids = new Set(webhooks.map(({ _id }) => _id));
      for (const [id, lane] of hand.lanes) if (!ids.has(id)) hand.drop(lane);
    }
    if (at - this.queueCheckedAt > QUEUE_CHECK_MS) {
      this.queueCheckedAt = at;
      for (const kind of QUEUE_KINDS) {
        for (const id of await listQueueing(store, projectId, kind)) {
          hand.lanes.get(id)?.queued.add(kind);
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
      const lane = known ? Object.assign(known, { webhook, policy }) : new Lane(webhook, policy);
      lanes.set(webhook._id, lane);
      this.hand.recheck(lane);
    }
  }
}
