import { Router } from 'express';
import { z } from 'zod';
import { EXTERNAL_PREFIX, idPattern, isId } from '../../contracts/ids';
import { DAY_MS } from '../../domain/durations';
import { readPayloadQuery } from '../../domain/payload-query';
import { getProfile, typeNamed } from '../../profiles';
import type { Store } from '../../store/store';
import { scanNames } from '../../store/webhook-names';
import { MAX_BATCH } from '../events/body-checks';
import type { Checks } from '../events/checks';
import { keyInBatch, readIdempotencyKey } from '../events/idempotency';
import { answer } from '../http/answers';
import { allowAnywhere, placeOf, principalOf } from '../http/auth';
import { invalid } from '../http/errors';
import { pageSize, parse, rangeQuery, rangeWithin, textField } from '../http/validation';
import { typeFilter } from '../schemas/fields';
import type { searchSchema, SearchResult } from '../schemas/search';
import { findByExternalId, findById, idsIn, type Searcher } from './by-id';
import { DataSearches } from './by-data';
import { fromEvent, fromWebhook } from './results';

/** The time range of a search by data. */
const DEFAULT_DAYS = 7;
const MAX_DAYS = 31;
const RANGE = {
  defaultMs: DEFAULT_DAYS * DAY_MS,
  maxMs: MAX_DAYS * DAY_MS,
  atMost: `${MAX_DAYS} days at most`,
};

const cursorPattern = new RegExp(`${idPattern('event').source}|${idPattern('webhook').source}`);
export const searchQuery = z.strictObject({
  q: textField(1000).describe(
    'An id of ours, `ext:` and an external id, an `Idempotency-Key`, a piece of the name or the URL of a webhook, or `data.<path> = <value>`.',
  ),
  limit: pageSize,
  cursor: z.string().regex(cursorPattern, 'is not a cursor from a search').optional(),
  since: rangeQuery.since.describe(
    `For \`data.…\`: events accepted from this time on, in ISO 8601 with an offset; default: ${DEFAULT_DAYS} days before \`until\`, at most ${MAX_DAYS}.`,
  ),
  until: rangeQuery.until.describe('For `data.…`: events accepted before this time; default: now.'),
  type: typeFilter.describe('For `data.…`: events of this type, by its name or its short one.'),
});
type Query = z.infer<typeof searchQuery>;
type Found = z.infer<typeof searchSchema>;

/** `/v1/search` */
export function searchRouter(store: Store, checks: Checks): Router {
  const router = Router();
  const dataSearches = new DataSearches(store, checks);

  /** What that names exactly. */
  const named = async (q: string, searcher: Searcher): Promise<SearchResult[]> => {
    if (q.startsWith(EXTERNAL_PREFIX)) return findByExternalId(store, q, searcher);
    const found = await Promise.all(idsIn(q).map((id) => findById(store, id, searcher)));
    return found.filter((one) => one !== null);
  };

  /** The events that were posted under that Idempotency-Key, alone or as a batch. */
  async function* postedUnder(
    q: string,
    projectId: string,
    after?: string,
  ): AsyncGenerator<SearchResult> {
    const key = readIdempotencyKey(q);
    if (key === null) return;
    const inBatch = Array.from({ length: MAX_BATCH }, (_, n) => keyInBatch(key, n));
    for (const event of await store.events.listBareByKeys(projectId, [key, ...inBatch])) {
      if (after === undefined || event._id > after) yield fromEvent(event, 'idempotencyKey');
    }
  }

  /** What has the text in its name or URL. */
  async function* containing(
    q: string,
    projectId: string,
    before?: string,
  ): AsyncGenerator<SearchResult> {
    // URLs are stored in percent-encoding.
    const texts = [q, encodeURI(q)].map((text) => text.toLowerCase());
    const contains = (text: string): boolean =>
      texts.some((one) => text.toLowerCase().includes(one));
    for await (const webhook of scanNames(store.webhooks, projectId, before)) {
      const matched = contains(webhook.name)
        ? 'name'
        : contains(webhook.url)
          ? 'url'
          : contains(webhook.externalId ?? '')
            ? 'externalId'
            : null;
      if (matched !== null) yield fromWebhook(webhook, matched);
    }
  }

  /** A page of both, the events first. Its cursor is the last result's id. */
  const matching = async (
    projectId: string,
    { q, limit, cursor }: Query,
  ): Promise<Pick<Found, 'results' | 'nextCursor'>> => {
    const results: SearchResult[] = [];
    const isAtWebhooks = cursor !== undefined && isId('webhook', cursor);
    const sources = isAtWebhooks
      ? [containing(q, projectId, cursor)]
      : [postedUnder(q, projectId, cursor), containing(q, projectId)];
    for (const source of sources) {
      for await (const result of source) {
        if (results.length === limit) return { results, nextCursor: results.at(-1)!.id };
        results.push(result);
      }
    }
    return { results, nextCursor: null };
  };

  router.get('/', allowAnywhere('owner', 'reader'), async (req, res) => {
    const query = parse(searchQuery, req.query);
    const { q, cursor, limit, type } = query;
    const { role, project } = principalOf(res);
    const payload = readPayloadQuery(q);
    const results = payload ? [] : await named(q, { role, project });
    const isNamed = q.startsWith(EXTERNAL_PREFIX) || idsIn(q).length > 0;
    // What isn't one of our ids may still be a key of the caller's, or be in a URL.
    if (results.length > 0 || (isNamed && !payload && !project)) {
      const first = results.slice(0, limit);
      answer(res, { results: first, nextCursor: null, scanned: null } satisfies Found);
      return;
    }
    if (!project) {
      const message =
        'is required to search for anything but an id: with the admin key this header selects the project';
      throw invalid([{ field: 'x-project-id', message }]);
    }
    if (!payload) {
      const found = await matching(project._id, query);
      answer(res, { ...found, scanned: null } satisfies Found);
      return;
    }
    if ('problem' in payload) throw invalid([{ field: 'q', message: payload.problem }]);
    if (cursor !== undefined && !isId('event', cursor)) {
      throw invalid([{ field: 'cursor', message: 'is not a cursor from such a search' }]);
    }
    const owner = placeOf(principalOf(res));
    const search = {
      projectId: project._id,
      owner,
      query: payload,
      type: type === undefined ? undefined : typeNamed(getProfile(project.profile), type),
      cursor,
      limit,
    };
    const isOver = (): boolean => req.socket.destroyed;
    const found = await dataSearches.find({ ...search, ...rangeWithin(query, RANGE), isOver });
    answer(res, found satisfies Found);
  });

  return router;
}
