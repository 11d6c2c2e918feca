import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function EventsPage(): React.ReactNode {
  return <PageHeader title={texts.events.title} />;
}
