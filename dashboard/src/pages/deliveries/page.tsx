import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function DeliveriesPage(): React.ReactNode {
  return <PageHeader title={texts.deliveries.title} />;
}
