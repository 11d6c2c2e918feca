import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function NewWebhookPage(): React.ReactNode {
  return <PageHeader title={texts.webhooks.newTitle} />;
}
