import { newId, type Resource } from '../../../src/contracts/ids';
import { MAX_EXAMINED } from '../../../src/store/paging';
import { ADMIN_KEY } from '../../support/stack';
import { ApiClient } from '../../support/api-client';
import { documentedRoutes } from '../../support/documented-routes';
import { profileOf, type Profiled } from '../../support/profiler';
import { useStack } from '../../support/use';
import { idAt } from './insert';

const DELIVERIES = 40_000;
const OTHERS = 5000;
const LIMIT = 25;
const HOUR_MS = 3_600_000;
/** Deliveries of one event: these are examined one by one. */
const WIDE = DELIVERIES / 100;

/**
 * Whether MongoDB has examined more than it handed over, or was not limited.
 * @param examined what it may examine beside that
 */
function isCostly(read: Profiled, examined = LIMIT): boolean {
  const { planSummary = '', hasSortStage, nreturned = 0, command } = read;
  const { docsExamined = 0, keysExamined = 0 } = read;
  return (
    planSummary.includes('COLLSCAN') ||
    // The one delivery of an event to a webhook needs no order.
    (hasSortStage === true && docsExamined > 1) ||
    docsExamined > nreturned + examined ||
    keysExamined > 3 * nreturned + Math.max(500, examined + LIMIT) ||
    !(Number(command.maxTimeMS) > 0)
  );
}

const told = (path: string, read: Profiled) => ({
  path,
  filter: read.command.filter ?? read.command.pipeline ?? read.command.query,
  sort: read.command.sort,
  planSummary: read.planSummary,
  hasSortStage: read.hasSortStage,
  nreturned: read.nreturned,
  docsExamined: read.docsExamined,
  keysExamined: read.keysExamined,
  maxTimeMS: read.command.maxTimeMS,
});

/** All subsets, the empty one first. */
function subsetsOf<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((all, item) => [...all, ...all.map((some) => [...some, item])], [[]]);
}

const LOGGED = { number: 1, startedAt: new Date(), durationMs: 7, requestHeaders: {} };

/** How the last attempt ended: half of them failed, nearly all of these with 500 or a timeout. */
function lastAttempt(n: number): Record<string, unknown> {
  const isFailed = n % 2 === 0;
  const how = n % 5000 === 8 ? 404 : n % 5000 === 18 ? 'dns' : n % 4 === 0 ? 500 : 'timeout';
  const attempt = !isFailed
    ? { outcome: 'succeeded', statusCode: n % 5000 === 9 ? 202 : 200 }
    : typeof how === 'number'
      ? { outcome: 'failed', statusCode: how }
      : { outcome: 'failed', errorCode: how };
  const failedWith = typeof how === 'number' ? [how, `${Math.floor(how / 100)}xx`] : [how];
  return {
    attempts: [{ ...LOGGED, ...attempt }],
    attemptCount: 1,
    ...(isFailed && { failedWith }),
  };
}

/** The ways through a list. A range of time and a cursor are both ranges of ids. */
function pagingsOf(query: readonly string[], cursor: string): [string, string][][] {
  const hours = (count: number) => new Date(Date.now() - count * HOUR_MS).toISOString();
  const range: [string, string][] = query.includes('since')
    ? [
        ['since', hours(9)],
        ['until', hours(2)],
      ]
    : [['cursor', cursor]];
  return [[], query.includes('order') ? [...range, ['order', 'asc']] : range];
}

const lists = documentedRoutes().filter(
  ({ method, path, query }) =>
    // An export reads pages of its list.
    method === 'GET' && query.includes('cursor') && !/(search|export)$/.test(path),
);

describe('what a page of a list costs MongoDB, with tens of thousands of documents', () => {
  const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
  let admin: ApiClient;
  let owner: ApiClient;
  let projectId: string;
  /** By name of the filter: what many documents have, and what few have. */
  let filters: Record<string, string[]>;
  const cursors: Record<string, () => string> = {
    '/v1/event-types': () => 'email.sent',
    '/v1/projects': () => newId('project'),
    '/v1/catalogs': () => 'cat_a',
    '/v1/catalogs/{name}/event-types': () => newId('eventType'),
    '/v1/projects/{projectId}/keys': () => newId('key'),
    '/v1/webhooks': () => newId('webhook'),
    '/v1/events': () => newId('event'),
    '/v1/deliveries': () => newId('delivery'),
    '/v1/replays': () => newId('replay'),
    '/v1/audit': () => newId('audit'),
    '/v1/reports': () => newId('report'),
  };

  const db = () => stack.store.deliveries.model.db.db!;

  const fill = async (
    collection: string,
    resource: Resource,
    count: number,
    make: (n: number, time: Date) => Record<string, unknown>,
  ): Promise<void> => {
    const documents = Array.from({ length: count }, (_, n) => {
      const time = new Date(Date.now() - (count - n) * 1000);
      return { _id: idAt(resource, time), projectId, ...make(n, time) };
    });
    // oxlint-disable-next-line typescript/no-explicit-any -- ids are strings here
    await db().collection<any>(collection).insertMany(documents, { ordered: false });
  };

  beforeAll(async () => {
    admin = new ApiClient(stack.url, ADMIN_KEY);
    ({ id: projectId, client: owner } = await stack.project({ policy: { maxWebhooks: 10_000 } }));
    const busy = newId('webhook');
    const quiet = newId('webhook');
    const wide = newId('event');
    const expiresAt = new Date(Date.now() + HOUR_MS);
    await fill('deliveries', 'delivery', DELIVERIES, (n, createdAt) => ({
      // One event went to many webhooks, and all others to one.
      eventId: n % 100 === 0 ? wide : newId('event'),
      webhookId: n % 1000 === 0 ? quiet : n % 100 === 0 ? newId('webhook') : busy,
      eventType: n % 5000 === 3 ? 'contact.deleted' : 'email.sent',
      status: n % 5000 === 7 ? 'cancelled' : n % 2 === 0 ? 'failed' : 'succeeded',
      ...lastAttempt(n),
      replays: 0,
      nextAttemptAt: null,
      createdAt,
      completedAt: createdAt,
      expiresAt,
    })).catch(() => {});
    await fill('events', 'event', OTHERS, (n, createdAt) => ({
      type: n % 5000 === 3 ? 'contact.deleted' : 'email.sent',
      body: JSON.stringify({ type: 'email.sent', createdAt, data: {} }),
      createdAt,
      acceptedAt: createdAt,
      fannedOutAt: createdAt,
      expungedAt: null,
      expiresAt,
    }));
    await fill('audit', 'audit', OTHERS, (n, time) => ({
      action: n % 2500 === 3 ? 'webhook.paused' : 'webhook.tested',
      target: n % 2500 === 7 ? quiet : busy,
      key: 'admin',
      role: 'admin',
      changedFields: [],
      requestId: null,
      outcome: 'done',
      time,
      expiresAt,
    }));
    await fill('keys', 'key', OTHERS, (n, createdAt) => ({
      name: 'k',
      role: 'reader',
      hash: `hash-${n}`,
      createdAt,
      expiresAt: null,
      lastUsedAt: null,
    }));
    await fill('replays', 'replay', OTHERS, (_n, at) => ({
      query: { statuses: ['failed'], since: at, until: at },
      ratePerSecond: 1,
      status: 'paused',
      matched: 0,
      replayed: 0,
      failed: 0,
      createdAt: at,
      updatedAt: at,
      completedAt: null,
    }));
    await fill('inbound', 'report', OTHERS, (n, receivedAt) => ({
      provider: n % 2500 === 7 ? 'mailgun' : 'resend',
      type: n % 2500 === 3 ? 'contact.deleted' : 'email.sent',
      payload: '{}',
      verified: true,
      receivedAt,
      eventId: n % 2500 === 11 ? null : newId('event'),
      expiresAt,
    }));
    for (const catalog of ['orders', 'others']) {
      await fill('catalogTypes', 'eventType', 200, (n) => ({
        catalog,
        type: `order.line_${n}`,
        description: 'x',
        schema: '{}',
        sample: '{}',
      }));
    }
    filters = {
      webhookId: [busy, quiet],
      eventId: [wide, newId('event')],
      status: ['succeeded,failed', 'cancelled'],
      // Of many, of a few, and one that is looked for in the list.
      statusCode: ['5xx', '404', '202'],
      errorCode: ['timeout', 'dns'],
      type: ['email.sent', 'contact.deleted'],
      q: ['example', 'nothing'],
      state: ['healthy,failing', 'disabled'],
      provider: ['resend', 'mailgun'],
      outcome: ['event', 'kept'],
      include: ['data', 'data'],
      action: ['webhook.tested', 'webhook.paused'],
      target: [busy, quiet],
    };
  });

  /** What MongoDB has read for these requests. */
  const readsOf = async (client: ApiClient, paths: readonly string[]): Promise<Profiled[]> => {
    const { profiled } = await profileOf(db(), async () => {
      for (const path of paths) {
        const { status, body } = await client.get(path);
        expect({ path, status, error: body?.error }).toEqual({
          path,
          status: 200,
          error: undefined,
        });
      }
    });
    return profiled.filter(
      ({ op, command }) => op === 'query' || 'aggregate' in command || 'distinct' in command,
    );
  };

  it.each(lists.map(({ path, query }) => [path, query] as const))(
    'is bounded for GET %s with any of its filters',
    async (path, query) => {
      const values = Object.entries(filters).filter(([name]) => query.includes(name));
      const pagings = pagingsOf(query, cursors[path]!());
      const url = path.replace('{projectId}', projectId).replace('{name}', 'orders');
      const clients = /^\/v1\/(projects|catalogs)/.test(path)
        ? [admin]
        : path === '/v1/audit'
          ? [admin, owner]
          : [owner];
      const costly: unknown[] = [];
      for (const subset of subsetsOf(values)) {
        // Each filter with each of its values.
        const choices = subset.reduce<[string, string][][]>(
          (all, [name, ofName]) =>
            ofName.flatMap((value) =>
              all.map((chosen) => [...chosen, [name, value] satisfies [string, string]]),
            ),
          [[]],
        );
        // Those that may examine as much are profiled together: beginning it costs more than a request.
        const searches = new Map<number, string[]>();
        for (const chosen of choices) {
          const asked = Object.fromEntries(chosen);
          const examined =
            asked.statusCode === '202'
              ? MAX_EXAMINED
              : asked.eventId && (asked.statusCode ?? asked.errorCode)
                ? WIDE
                : LIMIT;
          for (const paging of pagings) {
            const search = new URLSearchParams([...chosen, ...paging, ['limit', String(LIMIT)]]);
            const alike = searches.get(examined) ?? [];
            searches.set(examined, [...alike, `${url}?${search.toString()}`]);
          }
        }
        for (const [examined, paths] of searches) {
          for (const client of clients) {
            const reads = await readsOf(client, paths);
            const costlyOnes = reads.filter((read) => isCostly(read, examined));
            costly.push(...costlyOnes.map((read) => told(url, read)));
          }
        }
      }
      expect(costly).toEqual([]);
    },
    300_000,
  );

  it.each([
    ['an id', () => newId('event')],
    ['the id of a webhook', () => newId('webhook')],
    ['an external id', () => 'ext:nobody'],
    ['an Idempotency-Key, or a piece of a name', () => 'nobody'],
    ['data', () => 'data.email = nobody@example.com'],
    ['data of a type', () => 'data.email = nobody@example.com&type=contact.deleted'],
  ])('is bounded for a search by %s', async (_title, make) => {
    const [q, ...more] = make().split('&');
    const path = [`/v1/search?q=${encodeURIComponent(q!)}`, ...more].join('&');
    const reads = await readsOf(owner, [path]);
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.filter((read) => isCostly(read)).map((read) => told(path, read))).toEqual([]);
  });
});
