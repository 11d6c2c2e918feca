import type { Activities, ReconcilePart } from '../src/contracts/activities';
import { firstIdAt } from '../src/store/paging';
import type { ActivityDependencies } from './dependencies';
import { Couriers } from './reconcile/couriers';
import { keepHouse } from './reconcile/housekeeping';
import { LOST_DELIVERIES, LOST_EVENTS } from './reconcile/lost';
import { Run } from './reconcile/run';
import { Search, type Quest, type Searchable } from './reconcile/search';

const PARTS: Readonly<Record<ReconcilePart, (run: Run, couriers: Couriers) => Promise<void>>> = {
  // First, so that deliveries to disabled webhooks are ended and don't count as overdue.
  housekeeping: keepHouse,
  events: (run, couriers) => {
    const { unplannedExpress } = run.deps.store.events;
    const list = (side: '$lt' | '$gt') => (afterId: string, time: Date, limit: number) =>
      unplannedExpress.listProjects(afterId, firstIdAt('event', time), limit, side);
    const listAhead = (afterId: string, limit: number) => list('$gt')(afterId, run.ahead(), limit);
    return run.together(
      findLost(run, couriers, LOST_EVENTS, list('$lt')),
      couriers.work(LOST_EVENTS.kind, listAhead, LOST_EVENTS.everyMs),
    );
  },
  deliveries: (run, couriers) => {
    const { dueExpress } = run.deps.store.deliveries;
    return findLost(run, couriers, LOST_DELIVERIES, (...of) => dueExpress.listProjects(...of));
  },
};

/** @param list returns ids of projects after a given one whose couriers have some from before that time */
function findLost<T extends Searchable>(
  run: Run,
  couriers: Couriers,
  quest: Quest<T>,
  list: (afterId: string, before: Date, limit: number) => Promise<string[]>,
): Promise<void> {
  const { kind, graceMs, everyMs } = quest;
  return run.together(
    new Search(run, quest).work(),
    couriers.work(kind, (afterId, limit) => list(afterId, run.before(graceMs), limit), everyMs),
  );
}

/**
 * Finds what was accepted or requested but has no running workflow (the process died between MongoDB and
 * Temporal, or Temporal was unavailable, or lost its data) and starts it (docs/adr/0028). Idempotent:
 * workflow ids are derived, so that running ones are left alone. What else falls due, such as mails, deletions
 * and counts, is in reconcile/housekeeping.ts.
 */
export function createReconcile(deps: ActivityDependencies): Activities['reconcile'] {
  return async (part, graceMs) => {
    const run = new Run(deps, part === undefined, graceMs);
    const couriers = new Couriers(run);
    try {
      if (part !== undefined) await PARTS[part](run, couriers);
      else for (const once of Object.values(PARTS)) await once(run, couriers);
      return run.report;
    } finally {
      run.end();
    }
  };
}
