import { deleteSomeOf } from '../../src/store/delete-project';
import { endSome, noteLeft } from '../../src/store/end-deliveries';
import { listQueues, queueHeld, surveyQueues } from '../../src/store/queue';
import { takeBackMore } from '../../src/store/stop-replay';
import { removeSomeExpired } from '../../src/store/remove-expired';
import { sendOwnerMails } from '../send-mails';
import type { Couriers } from './couriers';
import { countHours } from './counting';
import { inTurn } from './in-turn';
import { LOST_REPLAYS, UNFOLLOWED_FAILURES } from './lost';
import type { Run } from './run';
import { Search } from './search';

/** Between two checks of each. */
const EVERY_MS = 5000;
/** After one that failed, unless MongoDB fails altogether. */
const FAILED_MS = 30_000;

type Chore = (run: Run, couriers: Couriers) => Promise<void>;

/** Each does what there is to do, in short parts, while its run continues. */
const CHORES: Readonly<Record<string, Chore>> = {
  secrets: (run) => run.deps.store.webhooks.removeEndedSecrets(),
  couriers: wakeCouriers,
  endings: endDeliveries,
  stopped: takeBackReplays,
  mails: (run) => sendOwnerMails(run.deps, () => run.goesOn(), run.stopped),
  expiry: removeExpired,
  deletions: deleteProjects,
  counts: countHours,
  upgrade: repairUpgrade,
};

/** All at the same time, so that none waits for another. */
export async function keepHouse(run: Run, couriers: Couriers): Promise<void> {
  const chores = Object.entries(CHORES).map(([name, chore]) =>
    keepDoing(run, name, () => chore(run, couriers)),
  );
  const searches = [
    keepDoing(run, 'replays', () => new Search(run, LOST_REPLAYS).work(), EVERY_MS),
    keepDoing(run, 'failures', () => new Search(run, UNFOLLOWED_FAILURES).work(), EVERY_MS),
  ];
  await run.together(...chores, ...searches);
}

/** @param failedMs from one that failed to the next */
async function keepDoing(
  run: Run,
  name: string,
  chore: () => Promise<void>,
  failedMs = FAILED_MS,
): Promise<void> {
  if (run.isOnce) return chore();
  let everyMs: number;
  do {
    try {
      await chore();
      everyMs = EVERY_MS;
    } catch (error) {
      run.deps.log.warn({ err: error, chore: name }, 'housekeeping failed');
      // If MongoDB is out of this worker's reach, the run ends, and another worker may have it.
      await run.deps.store.readClock();
      everyMs = failedMs;
    }
    run.tell();
  } while (await run.pause(everyMs));
}

/** For projects with something queued that may be sent; notes what may not, because its webhook is gone or disabled. */
async function wakeCouriers(run: Run, couriers: Couriers): Promise<void> {
  const { store, log } = run.deps;
  await queueHeld(store);
  const failed = ({ _id }: { _id: string }, err: unknown): void =>
    log.warn({ err, webhookId: _id }, 'deliveries left could not be noted');
  for (const some of run.some(await listQueues(store))) {
    const { open, gone, stopped } = await surveyQueues(store, some);
    await couriers.wakeAll('drains', open);
    await inTurn(run, gone, (webhook) => store.endings.note(webhook, 'webhook_deleted'), failed);
    await inTurn(run, stopped, (webhook) => noteLeft(store, webhook), failed);
  }
}

async function endDeliveries(run: Run): Promise<void> {
  const { store, log } = run.deps;
  await inTurn(
    run,
    await store.endings.list(),
    (ending) => endSome(store, ending),
    ({ _id }, err) => log.warn({ err, webhookId: _id }, 'deliveries could not be ended'),
  );
}

/** Takes back what stopped bulk replays have queued. */
async function takeBackReplays(run: Run): Promise<void> {
  const { store, log } = run.deps;
  await inTurn(
    run,
    await store.replays.listTakingBack(),
    async (replayId) => (await takeBackMore(store, replayId))?.isMore === true,
    (replayId, err) => log.warn({ err, replayId }, 'bulk replay could not be taken back'),
  );
}

async function removeExpired(run: Run): Promise<void> {
  while (run.goesOn() && (await removeSomeExpired(run.deps.store)));
}

async function deleteProjects(run: Run): Promise<void> {
  const { store, log } = run.deps;
  await inTurn(
    run,
    await store.projects.listDeleted(),
    (projectId) => deleteSomeOf(store, projectId),
    (projectId, err) => log.warn({ err, projectId }, 'project could not be deleted'),
  );
}

/** Once, after an upgrade. */
async function repairUpgrade(run: Run): Promise<void> {
  while (run.goesOn() && (await run.deps.store.upgradeRepair.repairSome()));
}
