import { z } from 'zod';
import { clock } from '../../clock';
import type { ErrorCode } from '../../contracts/errors';
import { readPayload, withFlag } from '../../domain/json-text';
import {
  getProfile,
  operationalEvents,
  type EventTypeDefinition,
  type Profile,
} from '../../profiles';
import { asWritten, readBody } from '../http/body';
import { ApiError, invalid, refused } from '../http/errors';
import { fingerprintOf, type Fingerprint } from './idempotency';
import { dataProblems, schemaProblems, sizeProblem } from './json-schema';
import { postedEvent, type About, type PostedEvent } from './posted-event';
import { isFine, Problems, type Found } from '../http/problems';
import { problemsOf } from '../http/validation';

/*
 * What takes longer the larger a body is, or arbitrarily long by a project's own schema: pure functions whose
 * input and output can be sent between processes. `Checks` (checks.ts) decides where each of them runs.
 */

/** An ApiError as a value. */
export interface Refusal {
  refused: { code: ErrorCode; message: string; details?: Found['problems'] };
}

export const MAX_BATCH = 500;

export interface EventsInput {
  bytes: Uint8Array;
  isBatch: boolean;
  profile: string;
  /** The ids that the envelope may have for the project. */
  workspaces: readonly string[];
  /** MongoDB's time, which a child process doesn't know. */
  now: Date;
  /** Whether to fingerprint the body's values (docs/adr/0018). */
  wantsFingerprint: boolean;
}

/** The contents of a body of events, with its fingerprint, and the number of events even if some are invalid. */
export interface EventsRead {
  /** null: not wanted. */
  fingerprint: Fingerprint | null;
  count: number;
  events: PostedEvent[] | Refusal;
}

/** Reads bodies of `/v1/events` and `/v1/events/batch`. */
export function readEvents(input: EventsInput): EventsRead | Refusal {
  const { bytes, isBatch, profile, workspaces, now, wantsFingerprint } = input;
  return refusable(() => {
    const body = readBody(bytes);
    const list = Array.isArray(body.events) ? body.events.length : 1;
    return {
      fingerprint: wantsFingerprint ? fingerprintOf(asWritten(body)) : null,
      count: isBatch ? Math.min(Math.max(list, 1), MAX_BATCH) : 1,
      events: refusable(() => {
        const bodies = bodiesOf(getProfile(profile));
        bodies.about = { workspaces, now: () => now };
        const parsed = (isBatch ? bodies.batch : bodies.event).safeParse(body);
        if (!parsed.success) throw refused(problemsOf(parsed.error));
        return 'events' in parsed.data ? parsed.data.events : [parsed.data];
      }),
    };
  });
}

interface Bodies {
  /** Of the body that is being checked. */
  about: About;
  event: z.ZodType<PostedEvent>;
  batch: z.ZodType<{ events: PostedEvent[] }>;
}
const bodiesByProfile = new Map<Profile, Bodies>();

/** The schemas of a profile, which are made once. */
function bodiesOf(profile: Profile): Bodies {
  const known = bodiesByProfile.get(profile);
  if (known) return known;
  const event = postedEvent(profile.envelope, () => made.about);
  const made: Bodies = { about: { now: () => clock.now() }, event, batch: batchBody(event) };
  bodiesByProfile.set(profile, made);
  return made;
}

export const batchBody = (event: z.ZodType<PostedEvent>) =>
  z.strictObject({ events: z.array(event).min(1).max(MAX_BATCH) });

/** The check of `data`: a project's own schema, or a profile's event type; null: Posthorn's own. */
export type DataRule = { schema: string } | { profile: string | null; type: string };

export interface DataCheck {
  rule: DataRule;
  /** JSON of an object, which has been parsed before. */
  text: string;
  /** Its path in the request. */
  at: readonly string[];
}

/** What is wrong with each: as much in total as for one, but at least something for each. */
export function checkData(checks: readonly DataCheck[]): Found[] {
  const told = new Problems();
  return checks.map(({ rule, text, at }) => {
    const found =
      'schema' in rule
        ? dataProblems(rule.schema, readPayload(text), at)
        : profileProblems(rule, text, at);
    const cut = told.cut(found, 1);
    told.addAll(cut);
    return { ...cut, ...(found.bug !== undefined && { bug: found.bug }) };
  });
}

/** Samples as tests: marked as a test in the data itself, if the schema allows it. */
export function markTests(samples: readonly DataCheck[]): string[] {
  return samples.map(({ rule, text, at }) => {
    const sample = readPayload(text);
    if (typeof sample.value.test !== 'boolean') return text;
    const marked = withFlag(sample, 'test', true).text;
    const [found] = checkData([{ rule, text: marked, at }]);
    return isFine(found!) ? marked : text;
  });
}

function profileProblems(
  { profile, type }: { profile: string | null; type: string },
  text: string,
  at: readonly string[],
): Found {
  const parsed = definitionOf(profile, type).data.safeParse(JSON.parse(text));
  return parsed.success ? new Problems() : problemsOf(parsed.error, at);
}

function definitionOf(profile: string | null, type: string): EventTypeDefinition {
  const { events, pingOnCreate } =
    profile === null ? { events: operationalEvents, pingOnCreate: null } : getProfile(profile);
  const found = [...events, ...(pingOnCreate ? [pingOnCreate] : [])].find(
    (definition) => definition.type === type,
  );
  if (!found) throw new Error(`no event type ${type} of ${profile}`);
  return found;
}

export interface DefinitionInput {
  /** As JSON. */
  schema: string;
  sample: string;
}

/** What is wrong with an event type that a caller defines, apart from the sample's check by its schema. */
export function checkDefinition({ schema, sample }: DefinitionInput): Found {
  const found = new Problems();
  found.addAll(schemaProblems(JSON.parse(schema) as Record<string, unknown>));
  const tooLarge = sizeProblem(JSON.parse(sample), sample, 'sample');
  if (tooLarge) found.addAll({ problems: [tooLarge], more: 0 });
  return { problems: found.problems, more: found.more };
}

/** Maximum number of values in a body that isn't an event: they cost more than its bytes. */
const MAX_VALUES = 20_000;

/** Why a body must not be read; null: it may be. */
export function inspectBody(bytes: Uint8Array): Refusal | null {
  return refusable(() => {
    const message = `must not have more than ${MAX_VALUES} values`;
    if (hasMoreValues(MAX_VALUES, readBody(bytes))) throw invalid([{ field: 'body', message }]);
    return null;
  });
}

function hasMoreValues(limit: number, body: object): boolean {
  let count = 0;
  let level: unknown[] = [body];
  while (level.length > 0 && count <= limit) {
    count += level.length;
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return count > limit;
}

/** What `work` returns, or the ApiError that it throws. */
export function refusable<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message, details } = error;
    return { refused: { code, message, ...(details && { details }) } };
  }
}
