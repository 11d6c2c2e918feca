import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function EventPage(): React.ReactNode {
  return <PageHeader title={texts.events.oneTitle} />;
}
