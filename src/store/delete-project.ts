import { deleteBatch } from './delete-batch';
import { WITHIN_MS } from './end-deliveries';
import { current } from './linearizable';
import type { Store } from './store';

/**
 * Deletes a project with everything that belongs to it. After the first step it appears deleted, and nothing
 * more is sent; what is not deleted in time, or after an interruption, is deleted by reconcile, or by the next
 * request to delete it. Reconcile also deletes, some minutes later, what was under way and was stored only then.
 * @returns false if it has been deleted already
 */
export async function deleteProject(
  store: Store,
  id: string,
  withinMs = WITHIN_MS,
): Promise<boolean> {
  const deleted = await store.transaction(async (session) => {
    if (!(await store.projects.markDeleted(id, session))) return false;
    // None is sent meanwhile.
    await store.mails.model.deleteMany({ projectId: id }, { session });
    return true;
  });
  if (!deleted) return false;
  const untilMs = performance.now() + withinMs;
  while (performance.now() < untilMs && (await deleteSomeOf(store, id)));
  return true;
}

/**
 * Deletes part of what may be too much for one transaction, and finally, when nothing more can follow, the small
 * remainder and the project itself: a short operation. Idempotent.
 * @returns whether there is more
 */
export async function deleteSomeOf(store: Store, projectId: string): Promise<boolean> {
  if (await deleteBatch(store.webhooks.model, projectId)) return true;
  if (await deleteBatch(store.replays.model, projectId)) return true;
  if (await deleteBatch(store.keys.model, projectId)) return true;
  if (await deleteBatch(store.events.model, projectId)) return true;
  if (await deleteBatch(store.deliveries.model, projectId)) return true;
  if (await deleteBatch(store.inbound.model, projectId)) return true;
  if (await deleteBatch(store.countedHours.model, projectId)) return true;
  if (await deleteBatch(store.counts.model, projectId)) return true;
  await store.eventTypes.model.deleteMany({ projectId });
  await store.mails.model.deleteMany({ projectId });
  await store.endings.model.deleteMany({ projectId });
  await store.recounts.model.deleteMany({ projectId });
  await store.couriers.model.deleteOne({ _id: projectId });
  await store.projects.delete(projectId);
  return false;
}

/**
 * Deletes what was stored for a project after that, by a process that had been suspended for long. Does nothing while
 * anything is left of the project itself.
 */
export async function deleteLeftOver(store: Store, projectId: string): Promise<void> {
  if (await current(store.projects.model.exists({ _id: projectId }))) return;
  while (await deleteSomeOf(store, projectId));
}
