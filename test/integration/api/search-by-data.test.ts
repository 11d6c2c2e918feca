import { SCAN_LIMITS } from '../../../src/api/search/by-data';
import { newId } from '../../../src/contracts/ids';
import type { ApiClient } from '../../support/api-client';
import { eventually, PATIENCE_MS } from '../../support/eventually';
import { useStack } from '../../support/use';
import { idAt } from './insert';
import { expectRefusal } from './refusal';
import { found, search } from './searching';
import { idsOf } from './walk';

const stack = useStack({ POSTHORN_RATE_LIMIT_PER_MINUTE: '100000' }, { worker: false });
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const expiresAt = new Date(Date.now() + DAY_MS);

describe('a search by events’ data', () => {
  let projectId: string;
  let client: ApiClient;

  /** Stores events of these data, as text, a minute apart, the last one a minute ago. */
  const insertEvents = async (
    of: string,
    texts: readonly string[],
    { apartMs = MINUTE_MS, types = ['order.paid'] } = {},
  ): Promise<string[]> => {
    const events = texts.map((text, n) => {
      const acceptedAt = new Date(Date.now() - (texts.length - n) * apartMs);
      const type = types[n % types.length]!;
      return {
        _id: idAt('event', acceptedAt),
        projectId: of,
        type,
        createdAt: acceptedAt,
        acceptedAt,
        fannedOutAt: acceptedAt,
        body: `{"type":"${type}","timestamp":"x","data":${text}}`,
        expiresAt,
      };
    });
    await stack.store.events.model.insertMany(events);
    return events.map(({ _id }) => _id);
  };

  /** Bounds of events and bytes are shown here, which a slow machine would not reach in time. */
  const limit = jest.replaceProperty(SCAN_LIMITS, 'ms', PATIENCE_MS);
  afterAll(() => limit.restore());

  beforeAll(async () => {
    ({ id: projectId, client } = await stack.project({ profile: 'custom' }));
  });

  it('finds those whose field has the value, as their JSON means it and not as it is written', async () => {
    const texts = [
      '{"email":"ada@example.com","total":10}',
      '{ "email" : "ada\\u0040example.com", "total": 10.0 }',
      '{"\\u0065mail":"ada@example.com","total":"10"}',
      '{"email":"Ada@example.com","total":1e1}',
      '{"to":[{"email":"ada@example.com"},{"email":"bob@example.com"}],"total":11}',
      '{"note":"email: ada@example.com","big":9007199254740993}',
      '{"email":null,"ok":true,"tags":["a","b"]}',
      '{"slash":"a\\/b","quote":"say \\"hi\\"","a.b":1,"line":"x\\ny"}',
      '{"email":{"$ne":"ada@example.com"}}',
    ];
    const ids = await insertEvents(projectId, texts);
    const at = (...places: number[]) => places.map((place) => ids[place]!);
    for (const [q, expected] of [
      ['data.email = ada@example.com', at(2, 1, 0)],
      ['data.email = "ada@example.com"', at(2, 1, 0)],
      ['data.total = 10', at(3, 1, 0)],
      ['data.total = "10"', at(2)],
      ['data.to.email = bob@example.com', at(4)],
      ['data.to[0].email = bob@example.com', []],
      ['data.to.1.email = bob@example.com', at(4)],
      ['data.big = 9007199254740993', at(5)],
      ['data.big = 9007199254740992', []],
      ['data.email = null', at(6)],
      ['data.ok = true', at(6)],
      ['data.ok = false', []],
      ['data.tags = b', at(6)],
      ['data.slash = a/b', at(7)],
      ['data.quote = say "hi"', at(7)],
      ['data.line = "x\\ny"', at(7)],
      ['data."a.b" = 1', at(7)],
      ['data.email."$ne" = ada@example.com', at(8)],
      ['data.email = .*', []],
      ['data.email = $ne', []],
    ] as const) {
      expect([q, await found(client, q)]).toEqual([q, expected]);
    }
    const { results, scanned } = (await search(client, 'data.big = 9007199254740993')).body.data;
    expect(results).toEqual([
      {
        kind: 'event',
        id: ids[5],
        projectId,
        title: 'order.paid',
        path: `/v1/events/${ids[5]}`,
        matched: 'data',
        createdAt: expect.any(String),
      },
    ]);
    expect(scanned).toMatchObject({ events: texts.length, isComplete: true });
    const { client: other } = await stack.project();
    expect(await found(other, 'data.email = ada@example.com')).toEqual([]);
  });

  it('compares with an id too, and does not look for what has it', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const [first] = await insertEvents(id, ['{"a":1}']);
    const [second] = await insertEvents(id, [`{"parent":"${first}"}`]);
    expect(await found(own, `data.parent = ${first}`)).toEqual([second]);
    expectRefusal(
      await search(own, 'data.a = 1', `&cursor=${newId('webhook')}`),
      'validation_failed',
      ['cursor'],
    );
  });

  it('says what is wrong with it', async () => {
    for (const [q, message] of [
      ['data.total > 10', /compares with "=" only/],
      ['data.email =', /no value/],
      ['data.email = "x', /JSON string/],
      ['data.to = {"$ne":1}', /object or a list/],
    ] as const) {
      const refused = await search(client, q);
      expectRefusal(refused, 'validation_failed', ['q']);
      expect(refused.body.error.message).toMatch(message);
    }
  });

  it('is of a range of time, by default seven days, at most 31, and of a type', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const ids = await insertEvents(id, Array(12).fill('{"a":1}'), {
      // The seventh is older than seven days by any clock.
      apartMs: DAY_MS + MINUTE_MS,
      types: ['order.paid', 'order.sent'],
    });
    const ago = (days: number) => new Date(Date.now() - (days + 0.5) * DAY_MS).toISOString();
    expect(await found(own, 'data.a = 1')).toEqual(ids.slice(-6).toReversed());
    const whole = `&since=${ago(12)}`;
    expect(await found(own, 'data.a = 1', whole)).toEqual(ids.toReversed());
    expect(await found(own, 'data.a = 1', `${whole}&until=${ago(10)}`)).toEqual(
      ids.slice(0, 2).toReversed(),
    );
    expect(await found(own, 'data.a = 1', `${whole}&type=order.sent`)).toEqual(
      ids.filter((_id, n) => n % 2 === 1).toReversed(),
    );
    const { scanned } = (await search(own, 'data.a = 2', `${whole}&until=${ago(10)}`)).body.data;
    expect(scanned).toMatchObject({ events: 2, isComplete: true });
    for (const range of [`&since=${ago(32)}`, `&since=${ago(1)}&until=${ago(2)}`]) {
      expectRefusal(await search(own, 'data.a = 1', range), 'validation_failed', ['since']);
    }
  });

  it('looks at so many events at a time, says how far it looked, and goes on from there', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const COUNT = 45_000;
    const texts = Array.from({ length: COUNT }, (_, n) => `{"n":${n},"odd":${n % 2 === 1}}`);
    const ids = await insertEvents(id, texts, { apartMs: 1000 });
    const steps: { results: string[]; scanned: Record<string, unknown> }[] = [];
    let cursor = '';
    do {
      const { data } = (await search(own, 'data.n = 7', cursor)).body;
      steps.push({ results: idsOf(data.results), scanned: data.scanned });
      expect(data.scanned.isComplete).toBe(data.nextCursor === null);
      cursor = data.nextCursor === null ? '' : `&cursor=${data.nextCursor}`;
    } while (cursor !== '');
    expect(steps.map(({ results }) => results)).toEqual([[], [], [ids[7]]]);
    expect(steps.map(({ scanned }) => scanned.events)).toEqual([20_000, 20_000, 5000]);
    // One after the other, without a gap.
    expect(steps[1]!.scanned.until).toBe(steps[0]!.scanned.since);
    expect(steps[2]!.scanned.until).toBe(steps[1]!.scanned.since);

    // As many results as asked for; the rest with the cursor, each once.
    const seen: string[] = [];
    cursor = '';
    do {
      const { data } = (await search(own, 'data.odd = true', `&limit=90${cursor}`)).body;
      expect(data.results.length).toBeLessThanOrEqual(90);
      seen.push(...idsOf(data.results));
      cursor = seen.length >= 450 ? '' : `&cursor=${data.nextCursor}`;
    } while (cursor !== '');
    const odd = ids.filter((_id, n) => n % 2 === 1).toReversed();
    expect(seen).toEqual(odd.slice(0, seen.length));
  });

  it('looks at so many bytes at a time, and always at one event', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const large = 'x'.repeat(255 * 1024);
    // Escapes: each is handed over and parsed, in processes of their own.
    const texts = Array.from({ length: 150 }, (_, n) => `{"n":${n},"x":"\\n${large}"}`);
    const ids = await insertEvents(id, texts);
    const first = (await search(own, 'data.n = 0')).body.data;
    expect(first.results).toEqual([]);
    expect(first.scanned.isComplete).toBe(false);
    expect(first.scanned.bytes).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(first.scanned.events).toBeGreaterThan(120);
    const second = (await search(own, 'data.n = 0', `&cursor=${first.nextCursor}`)).body.data;
    expect(idsOf(second.results)).toEqual([ids[0]]);
    expect(first.scanned.events + second.scanned.events).toBe(150);
  });

  it('is refused while one of its project is in progress, and the other projects do not wait', async () => {
    const { id, client: own } = await stack.project({ profile: 'custom' });
    const { id: otherId, client: other } = await stack.project({ profile: 'custom' });
    const [event] = await insertEvents(id, ['{"a":1}']);
    const [others] = await insertEvents(otherId, ['{"a":1}']);
    const { events } = stack.store;
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    let scans = 0;
    const find = events.collection.find.bind(events.collection);
    const spied = jest.spyOn(events, 'collection', 'get').mockReturnValue({
      find: (filter: { projectId: string }, options: object) => {
        const cursor = find(filter as never, options);
        if (filter.projectId !== id) return cursor;
        scans += 1;
        return (async function* () {
          await gate;
          yield* cursor;
        })();
      },
    } as never);
    const first = found(own, 'data.a = 1');
    await eventually('one is at work', () => scans === 1);
    const second = await search(own, 'data.a = 1');
    expectRefusal(second, 'rate_limited');
    expect(second.headers.get('retry-after')).toBe('2');
    expect(await found(other, 'data.a = 1')).toEqual([others]);
    expect(scans).toBe(1);
    // The admin's for that project don't count for it.
    const admins = found(stack.admin.with({ 'x-project-id': id }), 'data.a = 1');
    await eventually('the admin’s is at work too', () => scans === 2);
    goOn();
    expect(await Promise.all([first, admins])).toEqual([[event], [event]]);
    spied.mockRestore();
    expect(await found(own, 'data.a = 1')).toEqual([event]);
  });
});
