import { OPERATIONAL_TYPES } from '../../contracts/operational';
import type { ChangedBy } from '../../domain/changed-by';
import { readJson, type Payload } from '../../domain/json-text';
import { isSubscribed } from '../../domain/subscription';
import { getProfile, typeNamed, type Profile } from '../../profiles';
import type { DeliveryRecord } from '../../store/delivery-record';
import { insertTests, type TestEvent } from '../../store/insert-tests';
import { newDelivery } from '../../store/new-delivery';
import type { NewEvent } from '../../store/new-event';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhook-record';
import { shareFor } from '../http/auth';
import { invalid, refused } from '../http/errors';
import { fieldAt, isFine, Problems } from '../http/problems';
import { MAX_SUGGESTIONS, unknownType, type Sample } from '../events/event-catalog';
import type { Intake } from '../events/intake';

/** Samples sent by one request, and data given for them. */
const MAX_TESTS = 100;

/** Types' samples for this webhook, regardless of its subscriptions, and even if it is disabled. */
export async function prepareTests(
  intake: Intake,
  project: ProjectRecord,
  webhook: WebhookRecord,
  samples: readonly Sample[],
  by: ChangedBy,
  { isPing = false } = {},
): Promise<TestEvent[]> {
  const checks = samples.map(({ rule, sample }) => ({ rule, text: sample, at: [] }));
  const texts = await intake.checks.markTests(shareFor(project, by), checks);
  return samples.map(({ type }, index) => {
    const data = { text: texts[index]! };
    const event: NewEvent = {
      ...intake.build(project, { type, data }),
      test: true,
      onlyWebhookId: webhook._id,
    };
    return { event, delivery: newDelivery(event, webhook, { at: event.acceptedAt, isPing }) };
  });
}

/** What `POST /v1/webhooks/:id/test` asks for. */
export interface TestRequest {
  /** As in a subscription; by default the types of `data`, or those that the webhook is subscribed to. */
  events?: readonly string[] | undefined;
  /** By event type: an object that is sent instead of the type's sample. */
  data?: Payload | undefined;
}

/**
 * Sends samples as ordinary deliveries; their fan-outs start after the answer.
 * @returns the deliveries, in the catalogue's order of types
 * @throws ApiError 422 if that is none or too many, or if data is wrong
 */
export async function sendTests(
  { store, intake }: { store: Store; intake: Intake },
  project: ProjectRecord,
  webhook: WebhookRecord,
  { events, data }: TestRequest,
  by: ChangedBy,
): Promise<DeliveryRecord[]> {
  const profile = getProfile(project.profile);
  const given = data ? textsIn(data, profile) : new Map<string, string>();
  const patterns = events ?? (given.size > 0 ? [...given.keys()] : webhook.events);
  const names = [...(await intake.catalog.names(project)), ...OPERATIONAL_TYPES];
  const types = names.filter((type) => isSubscribed(patterns, type));
  const beside = [...given.keys()].filter((type) => !types.includes(type));
  if (beside.length > 0) {
    const problems = new Problems();
    let suggestions = MAX_SUGGESTIONS;
    for (const type of beside) {
      problems.add(['data', type], () =>
        names.includes(type)
          ? 'is not a type that events names: add it there, or remove its data'
          : unknownType(profile, type, suggestions-- > 0 ? names : [], by),
      );
    }
    throw refused(problems);
  }
  if (types.length === 0 || types.length > MAX_TESTS) {
    const message =
      types.length === 0 && !events
        ? 'is required: none of the event types that the webhook is subscribed to exists'
        : `must name 1 to ${MAX_TESTS} event types; there are ${types.length}`;
    throw invalid([{ field: 'events', message }]);
  }
  const found = await intake.catalog.samples(shareFor(project, by), project, types);
  // In their order; one may have just been deleted.
  const samples = types
    .flatMap((type) => found.get(type) ?? [])
    .map(({ type, rule, sample }) => ({ type, rule, sample: given.get(type) ?? sample }));
  await checkGiven(
    intake,
    project,
    samples.filter(({ type }) => given.has(type)),
    by,
  );
  const tests = await prepareTests(intake, project, webhook, samples, by);
  const ids = tests.flatMap(({ event, delivery }) => [event._id, delivery._id]);
  intake.startAll(await store.transaction((session) => insertTests(store, tests, session), ids));
  return tests.map(({ delivery }) => delivery);
}

/**
 * The data of each type, as the caller wrote it.
 * @throws ApiError 422 for what isn't an object, a type that is given by both its names, and too many
 */
function textsIn({ text }: Payload, profile: Profile): Map<string, string> {
  const { value, payloads } = readJson(text, [[null]]);
  const given = Object.entries(value as Record<string, object>);
  if (given.length > MAX_TESTS) {
    const message = `must have at most ${MAX_TESTS} event types; there are ${given.length}`;
    throw invalid([{ field: 'data', message }]);
  }
  const texts = new Map<string, string>();
  for (const [name, member] of given) {
    const field = fieldAt(['data', name]);
    const type = typeNamed(profile, name);
    const payload = payloads.get(member);
    if (!payload) {
      const message =
        'must be an object: data has the data of each event under its type, {"<type>": {…}}';
      throw invalid([{ field, message }]);
    }
    if (texts.has(type)) throw invalid([{ field, message: `is ${type}, which is given twice` }]);
    texts.set(type, payload.text);
  }
  return texts;
}

/** @throws ApiError 422 naming each wrong field */
async function checkGiven(
  intake: Intake,
  project: ProjectRecord,
  given: readonly Sample[],
  by: ChangedBy,
): Promise<void> {
  if (given.length === 0) return;
  const checks = given.map(({ type, rule, sample }) => ({
    rule,
    text: sample,
    at: ['data', type],
  }));
  const problems = new Problems();
  const founds = await intake.checks.checkData(shareFor(project, by), checks);
  for (const found of founds) problems.addAll(found);
  if (!isFine(problems)) throw refused(problems);
}
