import { setImmediate } from 'node:timers/promises';
import { clock } from '../src/clock';
import type { Activities, PlannedDelivery } from '../src/contracts/activities';
import { parseExactly } from '../src/domain/json-text';
import { passesFilter, type PayloadFilter } from '../src/domain/payload-filter';
import { getProfile } from '../src/profiles';
import { effectivePolicy } from '../src/profiles/policy';
import type { EventRecord } from '../src/store/events';
import { newDelivery } from '../src/store/new-delivery';
import type { ProjectRecord } from '../src/store/projects';
import { expiryOfEnded } from '../src/store/retention';
import type { Subscriber } from '../src/store/webhooks';
import { listQueueing } from '../src/store/queue';
import type { CourierCalls } from '../src/temporal/courier-calls';
import { toPlanned } from '../src/temporal/planned-delivery';
import type { ActivityDependencies } from '.';

/** Subscribers planned by one call. */
const PAGE = 100;

/** What two processes know of MongoDB's time may differ a little: an event too many does less harm than one too few. */
export const CLOCK_MARGIN_MS = 1000;

let turn: Promise<void> = Promise.resolve();

/** One filter between two rounds of the event loop, whatever pages there are: attempts go on meanwhile. */
function nextTurn(): Promise<void> {
  turn = turn.then(() => setImmediate());
  return turn;
}

/** The webhooks whose filter lets the event pass, and those of them whose filter couldn't be judged. */
export async function choose<T extends Subscriber>(
  page: readonly T[],
  bodyOf: () => Promise<string | null>,
): Promise<{ chosen: T[]; unjudged: string[] }> {
  if (page.every(({ filter }) => !filter)) return { chosen: [...page], unjudged: [] };
  const body = await bodyOf();
  // Deleted since the event was read.
  if (body === null) return { chosen: [], unjudged: [] };
  const envelope = parseExactly(body);
  const chosen: T[] = [];
  const unjudged: string[] = [];
  for (const webhook of page) {
    if (webhook.filter) {
      await nextTurn();
      const passes = passesFilter(parseExactly(webhook.filter) as PayloadFilter, envelope);
      if (passes === false) continue;
      if (passes === null) unjudged.push(webhook._id);
    }
    chosen.push(webhook);
  }
  return { chosen, unjudged };
}

export function createPlanDeliveries(
  { store, log }: Pick<ActivityDependencies, 'store' | 'log'>,
  couriers: CourierCalls,
): Activities['planDeliveries'] {
  return async (eventId, afterWebhookId) => {
    const event = await store.events.findCurrent(eventId);
    const project = event && (await store.projects.get(event.projectId));
    // Since it was accepted it was deleted with its project, or its payload was.
    if (!project || event.expungedAt) return { deliveries: [] };
    if (event.onlyWebhookId !== undefined) {
      return { deliveries: await listPlanned(store, event, project) };
    }
    const subscribers = {
      projectId: project._id,
      type: event.type,
      // A fan-out may come late (Temporal was away); webhooks made after the event don't get it.
      madeBy: new Date(event.acceptedAt.getTime() + CLOCK_MARGIN_MS),
      ...(event.aboutWebhookId !== undefined && { exceptId: event.aboutWebhookId }),
    };
    const page = await store.webhooks.listSubscribers(subscribers, afterWebhookId, PAGE);
    const { chosen, unjudged } = await choose(page, () => store.events.bodyOf(eventId));
    if (unjudged.length > 0) {
      const about = { projectId: project._id, eventId, webhookIds: unjudged };
      log.warn(about, 'filters that could not be judged let the event pass');
    }
    const at = clock.now();
    // After a long outage its time may be over already; a delivery that is skipped must not go with it.
    const expiresAt = event.expiresAt > at ? event.expiresAt : expiryOfEnded(at);
    const profile = getProfile(project.profile);
    const ids = chosen.map(({ _id }) => _id);
    const queueing = new Set(await listQueueing(store, project._id, 'ordered', ids));
    const deliveries = await store.deliveries.plan(
      chosen.map((webhook) => {
        const { ratePerSecond } = effectivePolicy(profile, project.policy, webhook.policy);
        const reason = ratePerSecond === null ? 'webhook_busy' : 'rate_limit';
        const behind = queueing.has(webhook._id) ? reason : undefined;
        return newDelivery(event, webhook, { at, expiresAt, behind });
      }),
    );
    if (queueing.size > 0) couriers.call(project._id);
    const webhooks = new Map(chosen.map((webhook) => [webhook._id, webhook]));
    const last = page.at(-1);
    return {
      deliveries: deliveries
        .filter(({ status, queuedIn }) => status === 'pending' && queuedIn === undefined)
        .map((delivery) => toPlanned(delivery, webhooks.get(delivery.webhookId)!, project)),
      ...(page.length === PAGE && last && { next: last._id }),
    };
  };
}

/** The deliveries to start of an event that was stored with them. */
async function listPlanned(
  store: ActivityDependencies['store'],
  { _id, onlyWebhookId }: Pick<EventRecord, '_id' | 'onlyWebhookId'>,
  project: ProjectRecord,
): Promise<PlannedDelivery[]> {
  const webhook = await store.webhooks.get(project._id, onlyWebhookId!);
  // Reconcile ends the deliveries of a webhook that was deleted meanwhile.
  if (!webhook) return [];
  const deliveries = await store.deliveries.listOfEvent(_id);
  return deliveries
    .filter(({ status, queuedIn }) => status === 'pending' && queuedIn === undefined)
    .map((delivery) => toPlanned(delivery, webhook, project));
}

export function createMarkFannedOut({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['markFannedOut'] {
  return async (eventId) => {
    await store.events.markFannedOut(eventId);
  };
}
