import { setImmediate } from 'node:timers/promises';
import type { Activities, PlannedDelivery } from '../src/contracts/activities';
import { parseExactly } from '../src/domain/json-text';
import { passesFilter, type PayloadFilter } from '../src/domain/payload-filter';
import { isSubscribed } from '../src/domain/subscription';
import type { EventRecord } from '../src/store/events';
import { newDelivery } from '../src/store/new-delivery';
import type { ProjectRecord } from '../src/store/projects';
import { expiryOfEnded } from '../src/store/retention';
import type { WebhookRecord } from '../src/store/webhooks';
import { toPlanned } from '../src/temporal/planned-delivery';
import type { ActivityDependencies } from '.';

/** Webhooks looked at by one call. */
const PAGE = 100;

/** Between the clocks of two API processes: an event too many does less harm than one too few. */
const CLOCK_SKEW_MS = 1000;

let turn: Promise<void> = Promise.resolve();

/** One filter between two rounds of the event loop, whatever pages there are: attempts go on meanwhile. */
function nextTurn(): Promise<void> {
  turn = turn.then(() => setImmediate());
  return turn;
}

/** The webhooks that get the event, and those of them whose filter couldn't be judged. */
async function choose(
  { type, acceptedAt, aboutWebhookId }: EventRecord,
  body: string,
  page: WebhookRecord[],
): Promise<{ chosen: WebhookRecord[]; unjudged: string[] }> {
  const envelope = parseExactly(body);
  const chosen: WebhookRecord[] = [];
  const unjudged: string[] = [];
  for (const webhook of page) {
    const { _id, createdAt, events, filter } = webhook;
    if (_id === aboutWebhookId) continue;
    // A fan-out may come late (Temporal was away); webhooks made after the event don't get it.
    if (createdAt.getTime() > acceptedAt.getTime() + CLOCK_SKEW_MS || !isSubscribed(events, type))
      continue;
    if (filter) {
      await nextTurn();
      const passes = passesFilter(parseExactly(filter) as PayloadFilter, envelope);
      if (passes === false) continue;
      if (passes === null) unjudged.push(_id);
    }
    chosen.push(webhook);
  }
  return { chosen, unjudged };
}

export function createPlanDeliveries({
  store,
  log,
}: Pick<ActivityDependencies, 'store' | 'log'>): Activities['planDeliveries'] {
  return async (eventId, afterWebhookId) => {
    const event = await store.events.findCurrent(eventId);
    const project = event && (await store.projects.get(event.projectId));
    // Since it was accepted it was deleted with its project, or its payload was.
    if (!project || event.body === null) return { deliveries: [] };
    if (event.onlyWebhookId !== undefined) {
      return { deliveries: await listPlanned(store, event, project) };
    }
    const page = await store.webhooks.listForFanOut(project._id, afterWebhookId, PAGE);
    const { chosen, unjudged } = await choose(event, event.body, page);
    if (unjudged.length > 0) {
      const about = { projectId: project._id, eventId, webhookIds: unjudged };
      log.warn(about, 'filters that could not be judged let the event pass');
    }
    const at = new Date();
    // After a long outage its time may be over already; a delivery that is skipped must not go with it.
    const expiresAt = event.expiresAt > at ? event.expiresAt : expiryOfEnded(at);
    const deliveries = await store.deliveries.plan(
      chosen.map((webhook) => newDelivery(event, webhook, { at, expiresAt })),
    );
    const webhooks = new Map(chosen.map((webhook) => [webhook._id, webhook]));
    const last = page.at(-1);
    return {
      deliveries: deliveries
        .filter(({ status }) => status === 'pending')
        .map((delivery) => toPlanned(delivery, webhooks.get(delivery.webhookId)!, project)),
      ...(page.length === PAGE && last && { next: last._id }),
    };
  };
}

/** The deliveries to start of an event that was stored with them. */
async function listPlanned(
  store: ActivityDependencies['store'],
  { _id, onlyWebhookId }: EventRecord,
  project: ProjectRecord,
): Promise<PlannedDelivery[]> {
  const webhook = await store.webhooks.get(project._id, onlyWebhookId!);
  // Reconcile ends the deliveries of a webhook that was deleted meanwhile.
  if (!webhook) return [];
  const deliveries = await store.deliveries.listOfEvent(_id);
  return deliveries
    .filter(({ status }) => status === 'pending')
    .map((delivery) => toPlanned(delivery, webhook, project));
}

export function createMarkFannedOut({
  store,
}: Pick<ActivityDependencies, 'store'>): Activities['markFannedOut'] {
  return async (eventId) => {
    await store.events.markFannedOut(eventId, new Date());
  };
}
