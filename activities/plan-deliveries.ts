import { activityInfo, heartbeat } from '@temporalio/activity';
import { clock } from '../src/clock';
import { FAILURE_TYPES, type Activities, type PlannedDelivery } from '../src/contracts/activities';
import type { DeferralReason } from '../src/contracts/delivery';
import { attemptsDeferred } from '../src/metrics';
import { policyOf } from '../src/profiles/policy';
import { deleteLeftOver } from '../src/store/delete-project';
import type { DeliveryRecord } from '../src/store/delivery-record';
import type { EventRecord } from '../src/store/event-record';
import { newDelivery } from '../src/store/new-delivery';
import type { ProjectRecord } from '../src/store/projects';
import { listQueueing } from '../src/store/queue';
import type { WebhookRecord } from '../src/store/webhook-record';
import type { Subscriber } from '../src/store/webhooks';
import { toPlanned } from '../src/store/planned-delivery';
import { againIn } from './again-in';
import type { ActivityDependencies } from './dependencies';
import { choose } from './judge-filters';

/** Maximum number of subscribers planned by one call. */
const PAGE = 100;

/**
 * Maximum number of a project's due deliveries in Temporal. Those planned beyond it wait in MongoDB's
 * queue, where they cost the engine nothing and don't delay other projects.
 */
const MAX_DUE = 500;

/**
 * Two processes' knowledge of MongoDB's time may differ a little: an extra event does less harm than a
 * missing one.
 */
export const CLOCK_MARGIN_MS = 1000;

/**
 * Whether a subscribed webhook gets an event, unless its filter says otherwise. Not if it was created after it: a
 * fan-out may run late (Temporal was unavailable). What appears to be created later than now was created before
 * MongoDB's clock was set back.
 * @param now after the webhook was read, which may take long: by an earlier time, one that is created meanwhile would
 *   count as created before a set-back
 */
export function isFor(
  { acceptedAt, aboutWebhookId }: Pick<EventRecord, 'acceptedAt' | 'aboutWebhookId'>,
  { _id, createdAt }: Pick<WebhookRecord, '_id' | 'createdAt'>,
  now: Date,
): boolean {
  const ms = createdAt.getTime() - CLOCK_MARGIN_MS;
  const isTooYoung = ms > acceptedAt.getTime() && ms <= now.getTime();
  return !isTooYoung && _id !== aboutWebhookId;
}

type PlanDependencies = Pick<ActivityDependencies, 'store' | 'couriers' | 'tenantCpu' | 'log'>;

/**
 * Concurrent plans of a project in each process: each holds an attempt's slot while it waits for a child
 * process. When all projects' hold that share of them, each has only one.
 */
const MAX_AT_ONCE = 5;
const MAX_SHARE = 1 / 4;
/** How long the others wait, doubled each time up to the maximum, with jitter. */
const WAIT_MS = 4000;
const MAX_WAIT_MS = 30_000;
/** Between two heartbeats: a third of the workflow's heartbeat timeout. */
const BEAT_MS = 3000;

export function createPlanFilteredDeliveries(
  deps: PlanDependencies & Pick<ActivityDependencies, 'maxAttempts'>,
): Activities['planFilteredDeliveries'] {
  const plan = planner(deps, true);
  const underWay = new Map<string, number>();
  let all = 0;
  return async (eventId, projectId, afterWebhookId) => {
    const others = underWay.get(projectId) ?? 0;
    if (others >= (all < deps.maxAttempts * MAX_SHARE ? MAX_AT_ONCE : 1)) {
      const waitMs = Math.min(MAX_WAIT_MS, WAIT_MS * 2 ** (activityInfo().attempt - 1));
      throw againIn(
        waitMs * (0.5 + Math.random() / 2),
        FAILURE_TYPES.planDeferred,
        'other events of its project wait for their filters; it will be retried',
      );
    }
    underWay.set(projectId, others + 1);
    all += 1;
    // Filters may wait long for their turn, but a worker's death must be noticed soon.
    const beat = setInterval(() => heartbeat(), BEAT_MS);
    try {
      return await plan(eventId, afterWebhookId);
    } finally {
      clearInterval(beat);
      all -= 1;
      const left = underWay.get(projectId)! - 1;
      if (left > 0) underWay.set(projectId, left);
      else underWay.delete(projectId);
    }
  };
}

export function planner(
  deps: PlanDependencies,
  judgesFilters: boolean,
): Activities['planDeliveries'] {
  const { store, couriers } = deps;
  const planPage: Activities['planDeliveries'] = async (eventId, afterWebhookId) => {
    const event = await store.events.findBare(eventId);
    const project = event && (await store.projects.get(event.projectId));
    if (event && !project) await deleteLeftOver(store, event.projectId);
    // It, or its payload, has been deleted since it was accepted.
    if (!project || event.expungedAt) return { deliveries: [] };
    if (event.onlyWebhookId !== undefined) {
      return { deliveries: await listPlanned(store, event, project) };
    }
    const { projectId, type } = event;
    const read = await store.webhooks.listSubscribers(projectId, type, afterWebhookId ?? '', PAGE);
    const readBy = clock.now();
    const page = read.filter((webhook) => isFor(event, webhook, readBy));
    if (!judgesFilters && page.some(({ filter }) => filter)) {
      return { deliveries: [], filtersOf: project._id };
    }
    const bodyOf = () => store.events.bodyOf(eventId);
    const chosen = await choose(deps, event, page, bodyOf);
    const at = clock.now();
    const ids = chosen.map(({ _id }) => _id);
    const [queueing, isFlooded] = await Promise.all([
      listQueueing(store, project._id, 'ordered', ids),
      ids.length > 0 && store.deliveries.due.hasAtLeast(project._id, at, MAX_DUE),
    ]);
    const behind = (webhook: Subscriber): DeferralReason | undefined => {
      if (!queueing.includes(webhook._id)) return isFlooded ? 'project_busy' : undefined;
      return policyOf(project, webhook).ratePerSecond === null ? 'webhook_busy' : 'rate_limit';
    };
    const deliveries = await store.deliveries.plan(
      chosen.map((webhook) => newDelivery(event, webhook, { at, behind: behind(webhook) })),
    );
    for (const { deferredFor } of deliveries) {
      if (deferredFor) attemptsDeferred.inc({ reason: deferredFor });
    }
    if (queueing.length > 0 || isFlooded) couriers.call(project._id);
    const webhooks = new Map(chosen.map((webhook) => [webhook._id, webhook]));
    const last = read.at(-1);
    return {
      deliveries: deliveries
        .filter(isToStart)
        .map((delivery) => toPlanned(delivery, webhooks.get(delivery.webhookId)!, project)),
      ...(read.length === PAGE && last && { next: last._id }),
    };
  };
  return async (eventId, afterWebhookId) => {
    const plan = await planPage(eventId, afterWebhookId);
    if (plan.next !== undefined || plan.filtersOf !== undefined) return plan;
    // Their workflows start next. Should they not, reconcile finds the deliveries, which are due.
    await store.events.markFannedOut(eventId);
    return { ...plan, isMarked: true };
  };
}

/** Not those of an earlier plan, which may have been queued since, and taken over by the courier. */
const isToStart = ({ status, queuedIn, isExpress }: DeliveryRecord): boolean =>
  status === 'pending' && queuedIn === undefined && !isExpress;

/** The deliveries to start for an event that was stored with them. */
async function listPlanned(
  store: ActivityDependencies['store'],
  { _id, onlyWebhookId }: Pick<EventRecord, '_id' | 'onlyWebhookId'>,
  project: ProjectRecord,
): Promise<PlannedDelivery[]> {
  const webhook = await store.webhooks.get(project._id, onlyWebhookId!);
  // Reconcile ends the deliveries of a webhook that was deleted meanwhile.
  if (!webhook) return [];
  const deliveries = await store.deliveries.listOfEvent(_id);
  return deliveries.filter(isToStart).map((delivery) => toPlanned(delivery, webhook, project));
}
