import { texts } from '../texts';
import { Button } from './button';
import type { IconName } from './icon';
import { EmptyState } from './layout';

/** Instead of a list in which the filters leave nothing. */
export function NoneFound({
  icon = 'search',
  title,
  children,
  onClear,
}: {
  icon?: IconName;
  title: string;
  children: React.ReactNode;
  onClear: () => void;
}): React.ReactNode {
  return (
    <EmptyState
      icon={icon}
      title={title}
      actions={<Button onClick={onClear}>{texts.common.clearFilters}</Button>}
    >
      {children}
    </EmptyState>
  );
}
