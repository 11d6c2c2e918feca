import { texts } from '../texts';
import { Button } from './button';
import { Notice } from './layout';

/** How far was looked for what is rare. Looking further is work, and done when somebody asks for it. */
export function Looked({
  isComplete = false,
  isBusy,
  onMore,
  children,
}: {
  isComplete?: boolean;
  isBusy: boolean;
  /** null: there is nothing further. */
  onMore: (() => void) | null;
  children: React.ReactNode;
}): React.ReactNode {
  return (
    <div role="status">
      <Notice
        tone={isComplete ? 'neutral' : 'info'}
        actions={
          onMore && (
            <Button size="small" isBusy={isBusy} onClick={onMore}>
              {texts.common.looked.goOn}
            </Button>
          )
        }
      >
        {children}
      </Notice>
    </div>
  );
}
