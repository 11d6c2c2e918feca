import { Router, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { isReserved, RESERVED_FAMILIES } from '../../contracts/operational';
import type { FieldProblem } from '../../contracts/errors';
import { getProfile, profiles, type Profile } from '../../profiles';
import type { EventTypeFields } from '../../store/event-types';
import { makeWithin } from '../../store/make-within';
import type { Store } from '../../store/store';
import { answer, answerPage, verbatim } from '../http/answers';
import { audited } from '../http/audited';
import { allow, projectOf } from '../http/auth';
import type { Checks } from './checks';
import { ApiError, invalid, notFound, refused } from '../http/errors';
import type { EventCatalog, EventType } from './event-catalog';
import { payloadField } from '../http/body';
import { isFine } from '../http/problems';
import type { eventTypeSchema, listedEventTypeSchema } from '../schemas/event';
import { parseBody, parseListQuery, pageSize, textField } from '../http/validation';

/** What one project may define. */
const MAX_OWN_TYPES = 200;
export const MAX_TYPE_LENGTH = 100;
const OWN_TYPES = [...profiles.values()]
  .filter(({ eventTypesFromProject }) => eventTypesFromProject)
  .map(({ name }) => name)
  .join(' or ');
/** Words separated by dots: `order.created`. */
export const TYPE = /^[a-z0-9_]+(\.[a-z0-9_]+)+$/;

const object = z.record(z.string(), z.unknown());
export const eventTypeBody = z.strictObject({
  description: textField(1000),
  schema: object,
  sample: payloadField,
});
export const eventTypesQuery = z.strictObject({
  limit: pageSize,
  cursor: z.string().max(200).optional(),
});

export function view({
  type,
  description,
  schema,
  sample,
}: Pick<EventType, 'type' | 'description' | 'schema' | 'sample'>): z.infer<typeof eventTypeSchema> {
  return { type, description, schema: verbatim(schema), sample: verbatim(sample) };
}

const listedView = (eventType: EventType): z.infer<typeof listedEventTypeSchema> => ({
  ...view(eventType),
  source: eventType.source,
});

/** The type's name from the path. */
function typeProblems(type: string): FieldProblem[] {
  const tell = (message: string): FieldProblem[] => [{ field: 'type', message }];
  if (type.length > MAX_TYPE_LENGTH)
    return tell(`must not be longer than ${MAX_TYPE_LENGTH} characters`);
  if (!TYPE.test(type)) {
    return tell('must be words of a-z, 0-9 and _ separated by dots, such as order.created');
  }
  return isReserved(type)
    ? tell(`must not begin with ${RESERVED_FAMILIES.join(' or ')}: those are Posthorn's own`)
    : [];
}

/**
 * The definition in the body of `PUT …/event-types/:type`, as shown and as stored.
 * @param owner whose budget the check uses
 * @param profile whose types it may not replace
 * @throws ApiError 422 naming each wrong field
 */
export async function definitionIn(
  req: Request,
  checks: Checks,
  owner: string,
  profile?: Profile,
): Promise<{ type: string; shown: z.infer<typeof eventTypeSchema>; stored: EventTypeFields }> {
  const type = String(req.params.type);
  const wrongName = typeProblems(type);
  if (wrongName.length > 0) throw invalid(wrongName);
  const { description, schema, sample } = parseBody(eventTypeBody, req);
  const json = { schema: JSON.stringify(schema), sample: sample.text };
  if (profile?.events.some((event) => event.type === type)) {
    throw invalid([{ field: 'type', message: 'is a type of the profile' }]);
  }
  const wrong = await checks.checkDefinition(owner, json);
  if (!isFine(wrong)) throw refused(wrong);
  return {
    type,
    shown: view({ type, description, ...json }),
    stored: { description, ...json },
  };
}

const ownTypesOnly: RequestHandler = (_req, res, next) => {
  const { name, eventTypesFromProject } = getProfile(projectOf(res).profile);
  if (!eventTypesFromProject) {
    throw new ApiError(
      'forbidden',
      `the event types of the profile ${name} cannot be changed; projects of the profile ${OWN_TYPES} define their own`,
    );
  }
  next();
};

/** `/v1/event-types` */
export function eventTypesRouter({
  store,
  catalog,
  checks,
}: {
  store: Store;
  catalog: EventCatalog;
  checks: Checks;
}): Router {
  const router = Router();

  router.get('/', allow('owner', 'reader'), async (req, res) => {
    const project = projectOf(res);
    const { page } = parseListQuery(eventTypesQuery, req);
    if (page.cursor !== undefined && !catalog.isCursor(page.cursor, project)) {
      throw invalid([{ field: 'cursor', message: 'is not a cursor from a list' }]);
    }
    answerPage(res, 'eventTypes', await catalog.page(project, page), listedView);
  });

  const write = allow('owner');

  const defined = audited('event_type.defined', 'type');
  router.put('/:type', write, ownTypesOnly, defined, async (req, res) => {
    const project = projectOf(res);
    const { type, shown, stored } = await definitionIn(
      req,
      checks,
      project._id,
      getProfile(project.profile),
    );
    const limit = { of: store.projects, owner: project._id, max: MAX_OWN_TYPES };
    const put = await store.eventTypes.put(project._id, type, stored, (...what) =>
      makeWithin(store, limit, ...what),
    );
    if (!put) {
      if (!(await store.projects.get(project._id))) throw notFound('the project');
      const message = `is one too many: this project already has ${MAX_OWN_TYPES} event types, the maximum`;
      throw invalid([{ field: 'type', message }]);
    }
    answer(res, shown, put.isNew ? 201 : 200);
  });

  const deleted = audited('event_type.deleted', 'type');
  router.delete('/:type', write, ownTypesOnly, deleted, async (req, res) => {
    const type = String(req.params.type);
    const { _id, catalog: shared } = projectOf(res);
    if (!(await store.eventTypes.delete(_id, type))) {
      if (!shared || (await store.catalogTypes.find(shared, [type], ['type'])).length === 0) {
        throw notFound('the type');
      }
      const message = `this type belongs to the catalogue "${shared}", which only the admin can change`;
      throw new ApiError('forbidden', message);
    }
    answer(res, { type, deleted: true });
  });

  return router;
}
