import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function SettingsPage(): React.ReactNode {
  return <PageHeader title={texts.settings.title} />;
}
