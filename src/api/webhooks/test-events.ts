import { OPERATIONAL_TYPES } from '../../contracts/operational';
import { isSubscribed } from '../../domain/subscription';
import { insertTests, type TestEvent } from '../../store/insert-tests';
import { newDelivery, type NewDelivery } from '../../store/new-delivery';
import type { NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhook-record';
import { invalid } from '../http/errors';
import type { EventType } from '../events/event-catalog';
import type { Intake } from '../events/intake';

/** Samples sent by one request. */
const MAX_TESTS = 100;

/** Types' samples for this webhook, regardless of its subscriptions, and even if it is disabled. */
export async function prepareTests(
  intake: Intake,
  project: ProjectRecord,
  webhook: WebhookRecord,
  eventTypes: readonly EventType[],
  { isPing = false } = {},
): Promise<TestEvent[]> {
  const samples = eventTypes.map(({ rule, sample }) => ({ rule, text: sample, at: [] }));
  const texts = await intake.checks.markTests(project._id, samples);
  return eventTypes.map(({ type }, index) => {
    const data = { text: texts[index]! };
    const event: NewEvent = {
      ...intake.build(project, { type, data }),
      test: true,
      onlyWebhookId: webhook._id,
    };
    const { acceptedAt: at, expiresAt } = event;
    return { event, delivery: newDelivery(event, webhook, { at, expiresAt, isPing }) };
  });
}

/**
 * Sends samples of the types that `patterns` name as ordinary deliveries; their fan-outs start behind
 * the answer.
 * @param patterns as in a subscription
 * @returns the deliveries, in the catalogue's order of types
 * @throws ApiError 422 if that is none, or too many
 */
export async function sendTests(
  { store, intake }: { store: Store; intake: Intake },
  project: ProjectRecord,
  webhook: WebhookRecord,
  patterns: readonly string[],
): Promise<NewDelivery[]> {
  const names = [...(await intake.catalog.names(project)), ...OPERATIONAL_TYPES];
  const types = names.filter((type) => isSubscribed(patterns, type));
  if (types.length === 0 || types.length > MAX_TESTS) {
    const message = `must name 1 to ${MAX_TESTS} event types; there are ${types.length}`;
    throw invalid([{ field: 'events', message }]);
  }
  const found = await intake.catalog.find(project, types, { operational: true });
  // In their order; one may have just been deleted.
  const eventTypes = types.flatMap((type) => found.get(type) ?? []);
  const tests = await prepareTests(intake, project, webhook, eventTypes);
  const ids = tests.flatMap(({ event, delivery }) => [event._id, delivery._id]);
  intake.startAll(await store.transaction((session) => insertTests(store, tests, session), ids));
  return tests.map(({ delivery }) => delivery);
}
