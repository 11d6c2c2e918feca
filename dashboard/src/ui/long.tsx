import type { List } from '../api/lists';
import { texts } from '../texts';
import { Button } from './button';
import { Notice } from './layout';

/** Above a list of which so much is loaded that it is not reloaded automatically: says so, and reloads it. */
export function Long({ list }: { list: List<unknown> }): React.ReactNode {
  const { what, reload } = texts.common.long;
  return (
    list.isLong && (
      <Notice
        tone="neutral"
        actions={
          <Button size="small" icon="replay" isBusy={list.isRefreshing} onClick={list.refresh}>
            {reload}
          </Button>
        }
      >
        {what}
      </Notice>
    )
  );
}
