import { explain } from '../api/problem';
import { texts } from '../texts';
import { Button } from './button';
import { Notice, Skeleton, Stack } from './layout';

/** Shows that something is being loaded or why it could not be; its children once it is there. */
export function QueryState<T>({
  query,
  children,
}: {
  query: { data: T | undefined; error: unknown; isFetching: boolean; refetch: () => unknown };
  children: (data: T) => React.ReactNode;
}): React.ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.error) {
    return (
      <LoadError
        error={query.error}
        isBusy={query.isFetching}
        onRetry={() => void query.refetch()}
      />
    );
  }
  return <Loading />;
}

export function LoadError({
  error,
  onRetry,
  isBusy = false,
}: {
  error: unknown;
  onRetry: () => void;
  isBusy?: boolean;
}): React.ReactNode {
  const { title, advice } = explain(error);
  return (
    <Notice
      tone="danger"
      title={title}
      actions={
        <Button size="small" isBusy={isBusy} onClick={onRetry}>
          {texts.common.retry}
        </Button>
      }
    >
      {advice}
    </Notice>
  );
}

export function Loading({ rows = 5 }: { rows?: number }): React.ReactNode {
  return (
    <div role="status" aria-label={texts.common.loading}>
      <Stack>
        {Array.from({ length: rows }, (_none, row) => (
          <Skeleton key={row} width={32 - (row % 3) * 6} />
        ))}
      </Stack>
    </div>
  );
}
