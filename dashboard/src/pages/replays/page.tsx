import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function ReplaysPage(): React.ReactNode {
  return <PageHeader title={texts.replays.title} />;
}
