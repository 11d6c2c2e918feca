import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function DeliveryPage(): React.ReactNode {
  return <PageHeader title={texts.deliveries.oneTitle} />;
}
