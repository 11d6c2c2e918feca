import { z } from 'zod';
import { isId } from '../../contracts/ids';
import { isReserved } from '../../contracts/operational';
import type { ChangedBy } from '../../domain/changed-by';
import { didYouMean } from '../../domain/near';
import {
  getProfile,
  operationalEvents,
  type EventTypeDefinition,
  type Profile,
} from '../../profiles';
import type { EventTypeRecord, EventTypes, NamedType } from '../../store/event-types';
import { fitting, type Page, type PageRequest } from '../../store/paging';
import type { ProjectRecord } from '../../store/projects';
import { Turns } from '../http/turns';
import type { DataRule } from './body-checks';
import type { Checks } from './checks';

export const EVENT_TYPE_SOURCES = ['profile', 'project', 'catalog'] as const;

/** An event type of a project: its profile's, its own, or its catalogue's. */
export interface EventType {
  source: (typeof EVENT_TYPE_SOURCES)[number];
  type: string;
  description: string;
  /** JSON Schema 2020-12 of `data`, and a valid sample, as JSON. */
  schema: string;
  sample: string;
  /** How its data is checked (body-checks.ts). */
  rule: DataRule;
}

/** The profiles' schemas as shown; converted once, since profiles are constants. */
const shownSchemas = new WeakMap<EventTypeDefinition, string>();

function shownSchema(definition: EventTypeDefinition): string {
  const shown =
    shownSchemas.get(definition) ??
    JSON.stringify(z.toJSONSchema(definition.data, { io: 'input' }));
  shownSchemas.set(definition, shown);
  return shown;
}

/**
 * An event type of a profile.
 * @param profile null: one of Posthorn's own
 */
export function ofProfile(profile: string | null, definition: EventTypeDefinition): EventType {
  const { type, description, sample } = definition;
  return {
    source: 'profile',
    type,
    description,
    get schema() {
      return shownSchema(definition);
    },
    sample: JSON.stringify(sample),
    rule: { profile, type },
  };
}

const ofRecord = (
  source: 'project' | 'catalog',
  { type, description, schema, sample }: EventTypeRecord,
): EventType => ({
  source,
  type,
  description,
  schema,
  sample,
  rule: { schema },
});

const newestFirst = (a: { _id: string }, b: { _id: string }): number => (a._id < b._id ? 1 : -1);

/** How the data of each of some types is checked; if one is missing, with the names of all. */
export type FoundRules = ReadonlyMap<string, DataRule> & { readonly all?: readonly string[] };
export type Sample = Pick<EventType, 'type' | 'rule' | 'sample'>;

/** Types whose definitions are read without a turn: a definition may have 64 KiB. */
const FEW_TYPES = 10;
/** An owner's concurrent reads of more: each may have 13 MiB (docs/adr/0027). */
const READS_AT_A_TIME = 10;

/** Maximum number of unknown types per request for which similar ones are suggested. */
export const MAX_SUGGESTIONS = 3;

/**
 * Advice about a type that a project doesn't have.
 * @param reader only the platform can define types
 */
export function unknownType(
  profile: Profile,
  type: string,
  known: readonly string[],
  reader: ChangedBy,
): string {
  const define =
    reader === 'platform' && profile.eventTypesFromProject && !isReserved(type)
      ? ` Define it by PUT /v1/event-types/${type === '' ? '{type}' : encodeURIComponent(type.slice(0, 100).toWellFormed())}, or see GET /v1/webhooks/events/available.`
      : ' GET /v1/webhooks/events/available lists them.';
  return `is not an event type of this project.${didYouMean(type, known)}${define}`;
}

/**
 * The event types of a project: first its profile's in their order, then its own and its catalogue's, newest first.
 * Its own type replaces its catalogue's of the same name, so that a catalogue can add any type without asking each
 * project. The one source for which types exist.
 *
 * Catalogues are not cached: a change applies from the next event on, in every process. What costs time, a
 * schema's validator, is cached by the schema's text (json-schema.ts), so once for all its projects.
 */
export class EventCatalog {
  private readonly reads = new Turns(READS_AT_A_TIME);

  constructor(
    private readonly own: EventTypes,
    private readonly shared: EventTypes,
    private readonly checks: Pick<Checks, 'askBudget'>,
  ) {}

  /** Names of all types. */
  async names(project: ProjectRecord): Promise<string[]> {
    const defined = await this.definedNames(project);
    return [...getProfile(project.profile).events, ...defined].map(({ type }) => type);
  }

  /** Names and positions of those that are defined, newest first. */
  private async definedNames({ _id, profile, catalog }: ProjectRecord): Promise<NamedType[]> {
    if (!getProfile(profile).eventTypesFromProject) return [];
    const [own, shared] = await Promise.all([
      this.own.listNames(_id),
      catalog ? this.shared.listNames(catalog) : [],
    ]);
    const ownNames = new Set(own.map(({ type }) => type));
    const beside = shared.filter(({ type }) => !ownNames.has(type));
    return [...own, ...beside].toSorted(newestFirst);
  }

  /**
   * The rules of those of `types` that the project has, by name.
   * @throws ApiError 429 if the project's budget is used up, and its own types are needed
   */
  async rules(project: ProjectRecord, types: readonly string[]): Promise<FoundRules> {
    const { _id, profile } = project;
    const wanted = new Set(types);
    const events = getProfile(profile).events.filter(({ type }) => wanted.has(type));
    const rules = new Map<string, DataRule>(events.map(({ type }) => [type, { profile, type }]));
    if (rules.size < wanted.size) {
      const defined = await this.defined(_id, project, [...wanted], ['type', 'schema']);
      for (const { type, schema } of defined) rules.set(type, { schema });
    }
    return rules.size < wanted.size
      ? Object.assign(rules, { all: await this.names(project) })
      : rules;
  }

  /**
   * Those of `types` that the project has, by name, and Posthorn's own, which can't be posted.
   * @param owner whose budget their check will use
   * @throws ApiError as `rules`
   */
  async samples(
    owner: string,
    project: ProjectRecord,
    types: readonly string[],
  ): Promise<ReadonlyMap<string, Sample>> {
    const { profile } = project;
    const wanted = new Set(types);
    const isWanted = ({ type }: EventTypeDefinition): boolean => wanted.has(type);
    const known: Sample[] = [
      ...getProfile(profile)
        .events.filter(isWanted)
        .map((event) => ofProfile(profile, event)),
      ...operationalEvents.filter(isWanted).map((event) => ofProfile(null, event)),
    ];
    const samples = new Map(known.map((sample) => [sample.type, sample]));
    if (samples.size < wanted.size) {
      const defined = await this.defined(owner, project, [...wanted], ['type', 'schema', 'sample']);
      for (const { type, schema, sample } of defined) {
        samples.set(type, { type, rule: { schema }, sample });
      }
    }
    return samples;
  }

  /** Its catalogue's definitions, and then its own. */
  private async defined<F extends keyof EventTypeRecord>(
    owner: string,
    { _id, profile, catalog }: ProjectRecord,
    types: readonly string[],
    fields: readonly F[],
  ): Promise<Pick<EventTypeRecord, F>[]> {
    if (!getProfile(profile).eventTypesFromProject) return [];
    const endTurn = types.length > FEW_TYPES ? await this.reads.take(owner) : () => {};
    try {
      this.checks.askBudget(owner);
      const [shared, own] = await Promise.all([
        catalog ? this.shared.find(catalog, types, fields) : [],
        this.own.find(_id, types, fields),
      ]);
      return [...shared, ...own];
    } finally {
      endTurn();
    }
  }

  /**
   * Whether a list can have returned it: a profile's types can't be deleted, and a defined one's id keeps its
   * position.
   */
  isCursor(cursor: string, { profile }: ProjectRecord): boolean {
    return (
      isId('eventType', cursor) || getProfile(profile).events.some(({ type }) => type === cursor)
    );
  }

  /** @param page its cursor is the name of a profile's type, or the id of a defined one */
  async page(project: ProjectRecord, { limit, cursor }: PageRequest): Promise<Page<EventType>> {
    const { profile } = project;
    const { events } = getProfile(profile);
    const isDefined = cursor !== undefined && isId('eventType', cursor);
    const start = events.findIndex(({ type }) => type === cursor) + 1;
    const ofProfiles = (isDefined ? [] : events.slice(start)).slice(0, limit + 1);
    const names = (await this.definedNames(project))
      .filter(({ _id }) => !isDefined || _id < cursor)
      .slice(0, limit + 1 - ofProfiles.length)
      .map(({ _id }) => _id);
    const [own, shared] = await Promise.all([
      this.own.listSized(names),
      this.shared.listSized(names),
    ]);
    const defined = [...own, ...shared].toSorted(newestFirst);
    const shown = ofProfiles.slice(0, limit);
    const ids = fitting(defined.slice(0, limit - shown.length)).map((sized) => sized._id);
    const [ownRecords, sharedRecords] = await Promise.all([
      this.own.listAt(ids),
      this.shared.listAt(ids),
    ]);
    const records = [
      ...ownRecords.map((record) => ({ source: 'project' as const, record })),
      ...sharedRecords.map((record) => ({ source: 'catalog' as const, record })),
    ].toSorted((a, b) => newestFirst(a.record, b.record));
    // By the names: one may have been deleted since.
    const isWhole = ofProfiles.length + names.length === shown.length + ids.length;
    return {
      items: [
        ...shown.map((event) => ofProfile(profile, event)),
        ...records.map(({ source, record }) => ofRecord(source, record)),
      ],
      nextCursor: isWhole ? null : (ids.at(-1) ?? shown.at(-1)?.type ?? null),
    };
  }
}
