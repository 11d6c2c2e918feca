import { useAll } from '../api/lists';
import { useWebhooks } from '../api/webhooks';

/** By its id; the id itself while the name is unknown, or when the webhook was deleted. */
export function WebhookName({ id }: { id: string }): React.ReactNode {
  const { items } = useAll(useWebhooks());
  return <bdi>{items.find((webhook) => webhook.id === id)?.name ?? id}</bdi>;
}
