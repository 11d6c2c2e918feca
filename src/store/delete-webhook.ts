import { endDeliveriesOf } from './end-deliveries';
import type { Store } from './store';

/** Deletes a webhook; its deliveries stay readable, and those that have not ended end as `cancelled`. */
export async function deleteWebhook(store: Store, projectId: string, id: string): Promise<boolean> {
  const isDeleted = await store.transaction(async (session) => {
    if (!(await store.webhooks.delete(projectId, id, session))) return false;
    await store.projects.freeWebhookPlace(projectId, session);
    await store.endings.note({ _id: id, projectId }, 'webhook_deleted', session);
    return true;
  });
  if (isDeleted) await endDeliveriesOf(store, id);
  return isDeleted;
}
