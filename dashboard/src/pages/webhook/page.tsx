import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function WebhookPage(): React.ReactNode {
  return <PageHeader title={texts.webhooks.oneTitle} />;
}
