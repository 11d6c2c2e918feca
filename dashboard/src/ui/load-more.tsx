import { useEffect, useRef } from 'react';
import type { List } from '../api/lists';
import { texts } from '../texts';
import { Button } from './button';
import styles from './layout.module.css';
import { LoadError } from './query-state';

/** Before it is in view. */
const AHEAD = '600px';

/** Below a list that is no table: loads more as it is scrolled to, and says where the list ends. */
export function LoadMore({
  list,
  end,
}: {
  list: List<unknown>;
  /** What is said below the last one. */
  end: string;
}): React.ReactNode {
  const { hasMore, isLoadingMore, loadMore, error, refresh, isRefreshing } = list;
  const box = useRef<HTMLDivElement>(null);
  const isWaiting = hasMore && !isLoadingMore && error === null;
  useEffect(() => {
    if (!isWaiting) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) loadMore();
      },
      { rootMargin: AHEAD },
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [isWaiting, loadMore]);
  if (error !== null) return <LoadError error={error} isBusy={isRefreshing} onRetry={refresh} />;
  return (
    <div ref={box} className={styles.listEnd}>
      {hasMore ? (
        <Button size="small" kind="ghost" isBusy={isLoadingMore} onClick={loadMore}>
          {isLoadingMore ? texts.common.loading : texts.common.loadMore}
        </Button>
      ) : (
        // What others have found says nothing of these.
        list.isWhole && end
      )}
    </div>
  );
}
