import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function KeysPage(): React.ReactNode {
  return <PageHeader title={texts.keys.title} />;
}
