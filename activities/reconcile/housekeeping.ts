import { endSome } from '../../src/store/end-deliveries';
import { listOpenQueues, queueHeld } from '../../src/store/queue';
import { sendOwnerMails } from '../owner-mails';
import type { Couriers } from './couriers';
import { LOST_REPLAYS } from './lost';
import type { Run } from './run';
import { Search } from './search';

/** Between two looks of each. */
const EVERY_MS = 5000;
/** After one that failed. */
const FAILED_MS = 30_000;

type Chore = (run: Run, couriers: Couriers) => Promise<void>;

/** Each does what there is to do, in parts that are soon over, for as long as its run goes on. */
const CHORES: Readonly<Record<string, Chore>> = {
  secrets: (run) => run.deps.store.webhooks.removeEndedSecrets(),
  couriers: wakeCouriers,
  endings: endDeliveries,
  mails: (run) => sendOwnerMails(run.deps, () => run.goesOn(), run.stopped),
  expiry: removeExpired,
  deletions: deleteProjects,
};

/** All at the same time, so that none waits for another's work, nor for its end. */
export async function keepHouse(run: Run, couriers: Couriers): Promise<void> {
  const chores = Object.entries(CHORES).map(([name, chore]) =>
    keepDoing(run, name, () => chore(run, couriers)),
  );
  await run.together(...chores, new Search(run, LOST_REPLAYS).work());
}

async function keepDoing(run: Run, name: string, chore: () => Promise<void>): Promise<void> {
  if (run.isOnce) return chore();
  let everyMs: number;
  do {
    try {
      await chore();
      everyMs = EVERY_MS;
    } catch (error) {
      run.deps.log.warn({ err: error, chore: name }, 'housekeeping failed');
      everyMs = FAILED_MS;
    }
    run.tell();
  } while (await run.pause(everyMs));
}

/** Of projects that have something queued which may go. */
async function wakeCouriers(run: Run, couriers: Couriers): Promise<void> {
  const { store } = run.deps;
  await queueHeld(store);
  await couriers.wakeAll('drains', await listOpenQueues(store));
}

/** A part of each webhook's in turn, so that a great many of one keep no other waiting. */
async function endDeliveries(run: Run): Promise<void> {
  const { store, log } = run.deps;
  let left = await store.endings.list();
  while (left.length > 0) {
    const unended: typeof left = [];
    for (const ending of left) {
      if (!run.goesOn()) return;
      try {
        if (await endSome(store, ending)) unended.push(ending);
      } catch (error) {
        if (run.isOnce) throw error;
        log.warn({ err: error, webhookId: ending._id }, 'deliveries could not be ended');
      }
    }
    left = unended;
  }
}

async function removeExpired(run: Run): Promise<void> {
  while (run.goesOn() && (await run.deps.store.removeSomeExpired()));
}

/** A part of each project in turn. */
async function deleteProjects(run: Run): Promise<void> {
  const { store, log } = run.deps;
  let left = await store.projects.listDeleted();
  while (left.length > 0) {
    const undeleted: string[] = [];
    for (const projectId of left) {
      if (!run.goesOn()) return;
      try {
        if (await store.deleteSomeOf(projectId)) undeleted.push(projectId);
      } catch (error) {
        if (run.isOnce) throw error;
        log.warn({ err: error, projectId }, 'project could not be deleted');
      }
    }
    left = undeleted;
  }
}
