import { Router, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { makeWithin } from '../../store/make-within';
import type { Store } from '../../store/store';
import { answer, answerPage } from '../http/answers';
import { audited } from '../http/audited';
import { adminOnly, principalOf } from '../http/auth';
import type { Checks } from '../events/checks';
import { invalid, notFound } from '../http/errors';
import { definitionIn, view } from '../events/event-types';
import type { catalogSchema } from '../schemas/event';
import { pageQuery, pageSize, parseListQuery } from '../http/validation';

/** Maximum number of types in a catalogue. */
const MAX_TYPES = 500;
/** A catalogue's name. */
export const CATALOG = /^[a-z0-9][a-z0-9._-]{0,63}$/;
export const CATALOG_RULE =
  'must be 1-64 characters of a-z, 0-9, dots, hyphens and underscores, and begin with a letter or a digit';

/** The prefix of a page's last catalogue in a cursor, so that other values are recognised, as for ids. */
const CURSOR_PREFIX = 'cat_';
const CURSOR = new RegExp(`^${CURSOR_PREFIX}${CATALOG.source.slice(1)}`);

export const catalogsQuery = z.strictObject({
  limit: pageSize,
  cursor: z
    .string()
    .regex(CURSOR, 'is not a cursor from a list')
    .transform((cursor) => cursor.slice(CURSOR_PREFIX.length))
    .optional(),
});
export const catalogTypesQuery = z.strictObject(pageQuery('eventType'));

/** Catalogues belong to no project, even if the admin's client names one in all its requests. */
const ofNoProject: RequestHandler = (_req, res, next) => {
  res.locals.principal = { ...principalOf(res), project: null };
  next();
};

/** `/v1/catalogs`: event types that projects share. A catalogue exists while it has a type. */
export function catalogsRouter(store: Store, checks: Checks): Router {
  const router = Router();
  router.use(adminOnly, ofNoProject);
  const { catalogTypes } = store;
  const named = ({ params }: Request) => ({
    name: String(params.name),
    type: String(params.type),
  });

  router.get('/', async (req, res) => {
    const { page } = parseListQuery(catalogsQuery, req);
    const found = await catalogTypes.listOwners(page.cursor, page.limit + 1);
    const items = found.slice(0, page.limit);
    const nextCursor = found.length > items.length ? CURSOR_PREFIX + items.at(-1)!.owner : null;
    const show = ({ owner, count }: (typeof found)[number]): z.infer<typeof catalogSchema> => ({
      name: owner,
      eventTypes: count,
    });
    answerPage(res, 'catalogs', { items, nextCursor }, show);
  });

  router.get('/:name/event-types', async (req, res) => {
    const { name } = named(req);
    const { page } = parseListQuery(catalogTypesQuery, req);
    if (!(await catalogTypes.hasAny(name))) throw notFound('the catalogue');
    answerPage(res, 'eventTypes', await catalogTypes.page(name, page), view);
  });

  router.get('/:name/event-types/:type', async (req, res) => {
    const { name, type } = named(req);
    const found = await catalogTypes.findOne(name, type);
    if (!found) throw notFound('the type');
    answer(res, view(found));
  });

  const target = ['name', 'type'];
  const defined = audited('catalog_type.defined', target);
  router.put('/:name/event-types/:type', defined, async (req, res) => {
    const { name } = named(req);
    if (!CATALOG.test(name)) throw invalid([{ field: 'name', message: CATALOG_RULE }]);
    const { type, shown, stored } = await definitionIn(req, checks, principalOf(res).keyId);
    const limit = { of: catalogTypes, owner: name, max: MAX_TYPES };
    const put = await catalogTypes.put(name, type, stored, (...what) =>
      makeWithin(store, limit, ...what),
    );
    if (!put) {
      const message = `this catalogue already has ${MAX_TYPES} event types, the maximum`;
      throw invalid([{ field: 'type', message }]);
    }
    answer(res, shown, put.isNew ? 201 : 200);
  });

  router.delete(
    '/:name/event-types/:type',
    audited('catalog_type.deleted', target),
    async (req, res) => {
      const { name, type } = named(req);
      if (!(await catalogTypes.delete(name, type))) throw notFound('the type');
      answer(res, { type, deleted: true });
    },
  );

  return router;
}
