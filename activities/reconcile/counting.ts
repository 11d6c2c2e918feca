import { clock } from '../../src/clock';
import { countHour, putOff } from '../../src/store/count-hours';
import { expectNoted, findHours, forgetFuture } from '../../src/store/find-hours';
import { inTurn } from './in-turn';
import type { Run } from './run';

/** Between two searches for hours that are not known yet. */
const FIND_EVERY_MS = 60_000;
/** Projects examined together. */
const PAGE = 200;

/** When they were last looked for, by the monotonic clock, in each run. */
const foundAt = new WeakMap<Run, number>();

/** Keeps the counts of deliveries, from which statistics are answered, up to date (docs/adr/0036). */
export async function countHours(run: Run): Promise<void> {
  const { store } = run.deps;
  await forgetFuture(store);
  const at = performance.now();
  if (at - (foundAt.get(run) ?? -Infinity) >= FIND_EVERY_MS) {
    await ofAll(
      run,
      (after) => store.projects.listIds(after, PAGE),
      (projectId) => findHours(store, projectId),
    );
    foundAt.set(run, at);
  }
  await expectNoted(store);
  const before = new Date(clock.now().getTime() + 1);
  await ofAll(
    run,
    (after) => store.countedHours.due.listProjects(after, before, PAGE),
    (projectId) => countNext(run, projectId, before),
  );
}

/**
 * Does parts of projects in turn.
 * @param list returns ids of projects after a given one, in order
 * @param part returns whether there is more
 */
async function ofAll(
  run: Run,
  list: (afterId: string) => Promise<string[]>,
  part: (projectId: string) => Promise<boolean>,
): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined && run.goesOn();) {
    const projectIds: string[] = await list(after);
    await inTurn(run, projectIds, part, (projectId, err) =>
      run.deps.log.warn({ err, projectId }, 'deliveries could not be counted'),
    );
    after = projectIds.length < PAGE ? undefined : projectIds.at(-1);
  }
}

async function countNext({ deps: { store } }: Run, projectId: string, before: Date) {
  const [hour] = await store.countedHours.due.list(projectId, { after: null, before }, 1);
  if (!hour) return false;
  try {
    await countHour(store, hour);
  } catch (error) {
    // So that it doesn't keep the others from being counted.
    await putOff(store, hour);
    throw error;
  }
  return true;
}
