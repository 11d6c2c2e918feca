import type { ChangedBy } from '../domain/changed-by';
import { endDeliveriesOf } from './end-deliveries';
import type { Store } from './store';

/**
 * Deletes a webhook; its deliveries stay readable, and those that have not ended end as `cancelled`.
 * @returns `refused` if a customer tries to delete what the platform has stopped; null: there is none
 */
export async function deleteWebhook(
  store: Store,
  projectId: string,
  id: string,
  by: ChangedBy = 'platform',
): Promise<'deleted' | 'refused' | null> {
  const outcome = await store.transaction(async (session) => {
    const found = await store.webhooks.delete(projectId, id, by, session);
    if (found !== 'deleted') return found;
    await store.projects.freeWebhookPlace(projectId, session);
    await store.endings.note({ _id: id, projectId }, 'webhook_deleted', session);
    return found;
  });
  if (outcome === 'deleted') await endDeliveriesOf(store, id);
  return outcome;
}
