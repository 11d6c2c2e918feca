import { LRUCache } from 'lru-cache';
import { SECOND_MS } from '../src/domain/durations';
import { partsOf } from '../src/in-parts';
import type { BareEvent } from '../src/store/event-record';
import type { Subscriber } from '../src/store/webhooks';
import { judgeFilters, type FiltersInput } from '../src/tenant-cpu/filters';
import type { Outcome, TenantCpu } from '../src/tenant-cpu/tenant-cpu';
import type { ActivityDependencies } from './dependencies';
import { LoopTurns } from './loop-turns';

/**
 * Filters evaluated by one task: at worst some twenty milliseconds each, so that a page of them takes
 * several turns among the projects, and stays well within a task's time limit.
 */
const FILTERS_AT_ONCE = 25;

/**
 * Characters of an event times those of the filters up to which they are evaluated in this process: about a
 * millisecond at most, usually twenty microseconds, a tenth of a round trip to another process. Patterns must
 * be compiled first, whose cost can't be bounded so tightly.
 */
const INLINE_SIZE = 64 * 1024;

/** The webhooks that a line names. */
const TOLD = 5;
/** The projects that the log has named within the last second: such events come by the hundred. */
const told = new LRUCache<string, true>({ max: 10_000, ttl: SECOND_MS });

function judge(
  tenantCpu: TenantCpu,
  projectId: string,
  input: FiltersInput,
): Outcome<(boolean | null)[]> | Promise<Outcome<(boolean | null)[]>> {
  const { body, filters } = input;
  const length = filters.reduce((sum, filter) => sum + filter.length, 0);
  const isCheap =
    body.length * length <= INLINE_SIZE && filters.every((filter) => !filter.includes('$regex'));
  if (isCheap) return tenantCpu.runHere(projectId, () => judgeFilters(input));
  return tenantCpu.run(projectId, 'judgeFilters', input, body.length);
}

/**
 * The webhooks whose filter lets the event pass, or can't be evaluated, since it takes too many steps or its
 * project has used up its time.
 * @param bodyOf reads the envelope, if there is a filter at all
 * @param turns of the work that this is a part of
 */
export async function choose<T extends Subscriber>(
  { tenantCpu, log }: Pick<ActivityDependencies, 'tenantCpu' | 'log'>,
  { _id: eventId, projectId }: BareEvent,
  page: readonly T[],
  bodyOf: () => Promise<string | null>,
  turns = new LoopTurns(),
): Promise<T[]> {
  const filtered = page.filter(({ filter }) => filter);
  if (filtered.length === 0) return [...page];
  const body = await bodyOf();
  // Deleted since the event was read.
  if (body === null) return [];
  const refusing = new Set<string>();
  const unjudged: string[] = [];
  for (const some of partsOf(filtered, FILTERS_AT_ONCE)) {
    if (turns.isOver) await turns.next();
    const filters = some.map(({ filter }) => filter!);
    const outcome = await judge(tenantCpu, projectId, { body, filters });
    for (const [index, { _id }] of some.entries()) {
      const passes = outcome.end === 'done' ? outcome.output[index]! : null;
      if (passes === false) refusing.add(_id);
      if (passes === null) unjudged.push(_id);
    }
  }
  if (unjudged.length > 0 && !told.has(projectId)) {
    told.set(projectId, true);
    const webhookIds = unjudged.slice(0, TOLD);
    log.warn(
      { projectId, eventId, count: unjudged.length, webhookIds },
      'filters that could not be evaluated let the event pass',
    );
  }
  return page.filter(({ _id }) => !refusing.has(_id));
}
