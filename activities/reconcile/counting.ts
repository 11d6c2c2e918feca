import { clock } from '../../src/clock';
import { countHour, putOff } from '../../src/store/count-hours';
import { expectNoted, findHours, findNewHours, forgetFuture } from '../../src/store/find-hours';
import type { Store } from '../../src/store/store';
import { inTurn } from './in-turn';
import type { Run } from './run';

/** Between two searches for hours that are not known yet. */
const FIND_EVERY_MS = 60_000;

/** It waits this many times as long as counting took. */
const REST = 3;

interface Search {
  /** Everything from before that has been found, by MongoDB's clock; null: not yet. */
  to: Date | null;
  /** When it began, by the monotonic clock. */
  atMs: number;
}

/** The last one of this process. */
const searches = new WeakMap<Store, Search>();

/** Keeps the counts of deliveries, from which statistics are answered, up to date (docs/adr/0036). */
export async function countHours(run: Run): Promise<void> {
  const { store } = run.deps;
  await forgetFuture(store);
  await lookForHours(run);
  await expectNoted(store, () => run.goesOn());
  const before = new Date(clock.now().getTime() + 1);
  const list = (after: string, limit: number) =>
    store.countedHours.due.listProjects(after, before, limit);
  for await (const projectIds of run.pages(list)) {
    await ofEach(run, projectIds, (projectId) => countNext(run, projectId, before));
  }
}

/** In the whole log when a process begins; then in what is new. */
async function lookForHours(run: Run): Promise<void> {
  const { store } = run.deps;
  const last = run.isOnce ? undefined : searches.get(store);
  const search = { to: clock.now(), atMs: performance.now() };
  if (last && search.atMs - last.atMs < FIND_EVERY_MS) return;
  const from = last?.to ?? null;
  let isComplete = true;
  const goesOn = (): boolean => run.goesOn();
  const list = (after: string, limit: number) => store.projects.listIds(after, limit);
  for await (const projectIds of run.pages(list)) {
    const isFound = from
      ? await ofEach(run, [projectIds], (ids) => findNewHours(store, ids, from, goesOn))
      : await ofEach(run, projectIds, (projectId) => findHours(store, projectId, goesOn));
    if (!isFound) isComplete = false;
  }
  searches.set(store, isComplete && run.goesOn() ? search : { ...search, to: from });
}

/**
 * Does parts of projects, or of groups of them, in turn.
 * @param part as for `inTurn`
 * @returns whether everything is done
 */
async function ofEach<T extends string | string[]>(
  run: Run,
  all: readonly T[],
  part: (of: T) => Promise<boolean | void>,
): Promise<boolean> {
  let isComplete = true;
  await inTurn(run, all, part, (of, err) => {
    isComplete = false;
    const projectId = typeof of === 'string' ? of : undefined;
    run.deps.log.warn({ err, projectId }, 'deliveries could not be counted');
  });
  return isComplete && run.goesOn();
}

async function countNext(run: Run, projectId: string, before: Date): Promise<boolean> {
  const { store } = run.deps;
  const [hour] = await store.countedHours.due.list(projectId, { after: null, before }, 1);
  if (!hour) return false;
  const startedAt = performance.now();
  try {
    await countHour(store, hour, () => run.goesOn());
  } catch (error) {
    // So that it doesn't keep the others from being counted.
    await putOff(store, hour);
    throw error;
  }
  // So that MongoDB has time for deliveries, however much there is to count.
  if (!run.isOnce) await run.pause((performance.now() - startedAt) * REST);
  return true;
}
