import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function OverviewPage(): React.ReactNode {
  return <PageHeader title={texts.overview.title} />;
}
