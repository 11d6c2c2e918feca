import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function WebhooksPage(): React.ReactNode {
  return <PageHeader title={texts.webhooks.title} />;
}
