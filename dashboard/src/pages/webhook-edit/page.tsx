import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function EditWebhookPage(): React.ReactNode {
  return <PageHeader title={texts.webhooks.editTitle} />;
}
