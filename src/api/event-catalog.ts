import { z } from 'zod';
import { isId } from '../contracts/ids';
import type { FieldProblem } from '../contracts/errors';
import { getProfile, operationalEvents, type EventTypeDefinition } from '../profiles';
import type { EventTypeRecord, EventTypes } from '../store/event-types';
import type { Page, PageRequest } from '../store/paging';
import type { ProjectRecord } from '../store/projects';
import { dataProblems } from './json-schema';
import { problemsOf } from './validation';

/** An event type of a project, its profile's or its own. */
export interface EventType {
  type: string;
  description: string;
  /** JSON Schema 2020-12 of `data`. */
  schema: Record<string, unknown>;
  sample: Record<string, unknown>;
  /** @param at where `data` stands in the request */
  problems: (data: Record<string, unknown>, at: readonly string[]) => FieldProblem[];
}

/** Shown schemas of the profiles' types; made once, since profiles are constants. */
const shownSchemas = new WeakMap<EventTypeDefinition, Record<string, unknown>>();

function shownSchema(definition: EventTypeDefinition): Record<string, unknown> {
  const shown = shownSchemas.get(definition) ?? z.toJSONSchema(definition.data, { io: 'input' });
  shownSchemas.set(definition, shown);
  return shown;
}

/** An event type of a profile's. */
export function ofProfile(definition: EventTypeDefinition): EventType {
  const { type, description, sample, data: schema } = definition;
  return {
    type,
    description,
    get schema() {
      return shownSchema(definition);
    },
    sample,
    problems: (data, at) => {
      const parsed = schema.safeParse(data);
      return parsed.success ? [] : problemsOf(parsed.error, at);
    },
  };
}

function ofProject({ type, description, schema, sample }: EventTypeRecord): EventType {
  return {
    type,
    description,
    get schema() {
      return JSON.parse(schema) as Record<string, unknown>;
    },
    get sample() {
      return JSON.parse(sample) as Record<string, unknown>;
    },
    problems: (data, at) => dataProblems(schema, data, at),
  };
}

/**
 * The event types of a project: first its profile's in that order, then its own, newest first. All who
 * ask which types there are ask here.
 */
export class EventCatalog {
  constructor(private readonly own: EventTypes) {}

  /** Names of all types. */
  async names({ _id, profile }: ProjectRecord): Promise<string[]> {
    const { events, eventTypesFromProject } = getProfile(profile);
    const names = events.map(({ type }) => type);
    return eventTypesFromProject ? [...names, ...(await this.own.listNames(_id))] : names;
  }

  /**
   * Those of `types` that the project has, by name.
   * @param options.operational Posthorn's own as well, which nobody posts
   */
  async find(
    { _id, profile }: ProjectRecord,
    types: readonly string[],
    { operational = false } = {},
  ): Promise<ReadonlyMap<string, EventType>> {
    const { events, eventTypesFromProject } = getProfile(profile);
    const wanted = new Set(types);
    const definitions = operational ? [...events, ...operationalEvents] : events;
    const found = definitions.filter(({ type }) => wanted.has(type)).map(ofProfile);
    if (eventTypesFromProject && found.length < wanted.size) {
      found.push(...(await this.own.find(_id, [...wanted])).map(ofProject));
    }
    return new Map(found.map((eventType) => [eventType.type, eventType]));
  }

  /** Whether a list can have answered it: a profile's types can't go, an own one's id keeps its place. */
  isCursor(cursor: string, { profile }: ProjectRecord): boolean {
    return (
      isId('eventType', cursor) || getProfile(profile).events.some(({ type }) => type === cursor)
    );
  }

  /** @param page its cursor is the name of a profile's type, or the id of an own one */
  async page(
    { _id, profile }: ProjectRecord,
    { limit, cursor }: PageRequest,
  ): Promise<Page<EventType>> {
    const { events, eventTypesFromProject } = getProfile(profile);
    const isOwn = cursor !== undefined && isId('eventType', cursor);
    const start = events.findIndex(({ type }) => type === cursor) + 1;
    const items: { cursor: string; eventType: EventType }[] = (isOwn ? [] : events.slice(start))
      .slice(0, limit + 1)
      .map((event) => ({ cursor: event.type, eventType: ofProfile(event) }));
    const left = limit + 1 - items.length;
    if (eventTypesFromProject && left > 0) {
      const own = await this.own.list(_id, isOwn ? cursor : undefined, left);
      items.push(...own.map((record) => ({ cursor: record._id, eventType: ofProject(record) })));
    }
    const shown = items.slice(0, limit);
    return {
      items: shown.map(({ eventType }) => eventType),
      nextCursor: items.length > limit ? (shown.at(-1)?.cursor ?? null) : null,
    };
  }
}
