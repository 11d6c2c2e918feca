import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function EventTypesPage(): React.ReactNode {
  return <PageHeader title={texts.eventTypes.title} />;
}
