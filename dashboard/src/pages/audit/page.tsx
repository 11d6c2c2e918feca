import { texts } from '../../texts';
import { PageHeader } from '../../ui/layout';

export function AuditPage(): React.ReactNode {
  return <PageHeader title={texts.audit.title} />;
}
