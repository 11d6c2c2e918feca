import { Places, type Place, type PlaceEnd } from '../../../activities/concurrency';
import type { DeferralReason } from '../../../src/contracts/delivery';

const SECOND = 1000;

describe("a worker's places for attempts", () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const placed = (answer: Place | DeferralReason): Place => {
    if (typeof answer === 'string') throw new Error(`got no place: ${answer}`);
    return answer;
  };
  const told = (answer: Place | DeferralReason): DeferralReason => {
    if (typeof answer !== 'string') throw new Error('got a place');
    return answer;
  };

  /** Attempts to one webhook, until one gets no place. */
  const fill = (places: Places, project: string, webhook: string, isFirst = true): Place[] => {
    const taken: Place[] = [];
    for (;;) {
      const answer = places.take(project, webhook, isFirst);
      if (typeof answer === 'string') return taken;
      taken.push(answer);
    }
  };
  /** Lets an attempt to each of them take that long. */
  const take = (places: Places, project: string, webhooks: readonly string[], ms: number): void => {
    const taken = webhooks.map((webhook) => placed(places.take(project, webhook, true)));
    jest.advanceTimersByTime(ms);
    taken.forEach((place) => place.leave('made'));
  };
  const names = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${prefix} ${n}`);

  it('gives a webhook its share and others theirs', () => {
    const places = new Places(100, 2);
    const first = placed(places.take('p', 'slow', true));
    placed(places.take('p', 'slow', true));
    expect(told(places.take('p', 'slow', true))).toBe('webhook_busy');
    placed(places.take('p', 'other', true));
    first.leave('made');
    placed(places.take('p', 'slow', true));
  });

  it.each([
    ['retries', 0, false],
    ['attempts to slow webhooks', 10 * SECOND, true],
  ])('tells how many %s of a project may begin', (_what, tookMs, isFirst) => {
    const webhooks = names('webhook', 30);
    const others = new Places(40, 40);
    for (const places of [new Places(10, 10), others, new Places(1000, 10)]) {
      for (const webhook of webhooks) take(places, 'others', [webhook], tookMs);
      for (const webhook of webhooks) expect(places.isHurried(webhook, isFirst)).toBe(false);
      if (places === others) placed(places.take('others', 'other', true));
      const room = places.unhurriedRoomFor('project');
      const began = webhooks.filter(
        (id) => typeof places.take('project', id, isFirst) !== 'string',
      );
      expect(began).toHaveLength(Math.min(room, webhooks.length));
      expect(places.unhurriedRoomFor('project')).toBe(Math.max(0, room - webhooks.length));
    }
  });

  it('keeps a quarter of the places for first attempts', () => {
    const places = new Places(4, 4);
    for (const project of ['a', 'b', 'c']) placed(places.take(project, project, false));
    expect(told(places.take('d', 'd', false))).toBe('workers_busy');
    placed(places.take('d', 'd', true));
  });

  it('lets a project alone have most of them, and one that comes some at once', () => {
    const places = new Places(100, 100, 100);
    const held = fill(places, 'bad', 'hanging');
    expect(held).toHaveLength(80);
    expect(told(places.take('bad', 'another', true))).toBe('project_busy');
    expect(fill(places, 'quiet', 'healthy').length).toBeGreaterThanOrEqual(15);
  });

  it('lets two projects that want all of them end up with as many', () => {
    const places = new Places(100, 100, 100);
    const bad = fill(places, 'bad', 'hanging');
    const good = fill(places, 'good', 'healthy');
    // What one gives back goes to the one that has less.
    for (let n = 0; n < 100; n += 1) {
      bad.shift()!.leave('made');
      good.push(...fill(places, 'good', 'healthy'));
      bad.push(...fill(places, 'bad', 'hanging'));
    }
    expect(Math.abs(good.length - bad.length)).toBeLessThanOrEqual(4);
    expect(good.length + bad.length).toBeGreaterThan(80);
  });

  it('has places for a retry of a project that has none, next to the retries of ten others', () => {
    const places = new Places(100, 100, 100);
    const projects = names('bad', 10);
    const retry = (): Place[] =>
      projects.flatMap((bad) => fill(places, bad, `webhook of ${bad}`, false));
    const held = retry();
    // Each of those in progress ends once: then all have the same, and none has the last.
    for (const place of held.splice(0)) {
      place.leave('made');
      held.push(...retry());
    }
    placed(places.take('quiet', 'healthy', false));
  });

  it('keeps a quarter of them for webhooks that answer soon, however many projects hang', () => {
    const places = new Places(100, 10);
    const projects = names('bad', 500);
    for (const bad of projects) take(places, bad, [`webhook of ${bad}`], 10 * SECOND);
    const held = projects.flatMap((bad) => fill(places, bad, `webhook of ${bad}`));
    expect(held).toHaveLength(75);
    const last = `webhook of ${projects.at(-1)}`;
    expect(told(places.take(projects.at(-1)!, last, true))).toBe('workers_busy');
    const quiet = names('healthy', 25).map((webhook) => places.take('quiet', webhook, true));
    expect(quiet.filter((answer) => typeof answer !== 'string').length).toBeGreaterThanOrEqual(20);
  });

  it('lets a project with hanging webhooks continue with those that answer', () => {
    const places = new Places(100, 10);
    const hanging = names('hanging', 12);
    take(places, 'bad', hanging, 10 * SECOND);
    const held = hanging.flatMap((webhook) => fill(places, 'bad', webhook));
    expect(held).toHaveLength(60);
    expect(told(places.take('bad', hanging.at(-1)!, true))).toBe('project_busy');
    expect(fill(places, 'bad', 'healthy')).toHaveLength(10);
  });

  it('takes a webhook that has been slow for a soon one again once it answers', () => {
    const places = new Places(4, 4);
    take(places, 'p', ['w'], 10 * SECOND);
    for (const project of ['a', 'b', 'c']) placed(places.take(project, project, false));
    expect(told(places.take('p', 'w', true))).toBe('workers_busy');
    const other = new Places(4, 4);
    take(other, 'p', ['w'], 10 * SECOND);
    for (let n = 0; n < 3; n += 1) take(other, 'p', ['w'], 50);
    for (const project of ['a', 'b', 'c']) placed(other.take(project, project, false));
    placed(other.take('p', 'w', true));
  });

  it('takes one that hangs for slow while its first attempts still run', () => {
    const places = new Places(4, 2);
    fill(places, 'p', 'hanging');
    jest.advanceTimersByTime(5 * SECOND);
    const other = new Places(4, 2);
    placed(other.take('p', 'hanging', true));
    jest.advanceTimersByTime(3 * SECOND);
    for (const project of ['a', 'b', 'c']) placed(other.take(project, project, false));
    expect(told(other.take('p', 'hanging', true))).toBe('workers_busy');
  });

  it('does not take a place that no attempt was made in for a quick answer', () => {
    const places = new Places(4, 4);
    take(places, 'p', ['w'], 10 * SECOND);
    for (let n = 0; n < 10; n += 1) placed(places.take('p', 'w', true)).leave('unmade');
    for (const project of ['a', 'b', 'c']) placed(places.take(project, project, false));
    expect(told(places.take('p', 'w', true))).toBe('workers_busy');
  });

  it('works with a single place too', () => {
    const places = new Places(1, 10);
    const first = placed(places.take('p', 'w', false));
    expect(told(places.take('q', 'x', true))).toBe('workers_busy');
    first.leave('made');
    placed(places.take('q', 'x', true)).leave('made');
    placed(places.take('q', 'x', false));
  });

  it('knows a webhook as quick that accepted its last attempt soon, while none runs longer', () => {
    const places = new Places(100, 10);
    const attempt = (end: PlaceEnd, ms: number): void => {
      const place = placed(places.take('p', 'w', true));
      jest.advanceTimersByTime(ms);
      place.leave(end);
    };
    expect(places.isQuick('w')).toBe(false);
    attempt('accepted', 100);
    expect(places.isQuick('w')).toBe(true);
    for (const end of ['made', 'overload'] as const) {
      attempt(end, 100);
      expect(places.isQuick('w')).toBe(false);
      attempt('accepted', 100);
    }
    attempt('accepted', 300);
    expect(places.isQuick('w')).toBe(false);
    attempt('accepted', 100);
    const hanging = placed(places.take('p', 'w', true));
    expect(places.isQuick('w')).toBe(true);
    jest.advanceTimersByTime(300);
    expect(places.isQuick('w')).toBe(false);
    hanging.leave('unmade');
    expect(places.isQuick('w')).toBe(true);
    expect(places.isQuick('another')).toBe(false);
  });
});
