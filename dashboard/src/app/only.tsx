import { texts } from '../texts';
import { LinkButton } from '../ui/button';
import { EmptyState, PageHeader } from '../ui/layout';
import { useAccess, type Access } from './access';

const words = texts.app.refused;

/** A page for changing something, for those who may; for others, who have its address, why not. */
export function Only({
  may,
  title,
  children,
}: {
  may: keyof Pick<Access, 'canWrite' | 'canPublish'>;
  title: string;
  children: React.ReactNode;
}): React.ReactNode {
  const access = useAccess();
  if (access[may]) return children;
  const { platforms, readOnly } = texts.portal.refused;
  return (
    <>
      <PageHeader title={title} />
      <EmptyState
        icon="lock"
        title={words.title}
        actions={<LinkButton to="/">{texts.app.notFound.back}</LinkButton>}
      >
        {access.isPlatform ? words.advice : access.canWrite ? platforms : readOnly}
      </EmptyState>
    </>
  );
}
