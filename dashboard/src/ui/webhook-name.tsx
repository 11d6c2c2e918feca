import { useKnownWebhook } from '../api/webhooks';

/** By its id; the id itself while the name is unknown, or when the webhook was deleted. */
export function WebhookName({ id }: { id: string }): React.ReactNode {
  return <bdi>{useKnownWebhook(id)?.name ?? id}</bdi>;
}
