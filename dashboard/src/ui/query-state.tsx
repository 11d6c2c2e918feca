import type { UseQueryResult } from '@tanstack/react-query';
import {
  explain,
  isAskedAgain,
  isMissing,
  isPassing,
  isUnauthorized,
  useTroubleOf,
} from '../api/problem';
import { texts } from '../texts';
import { Button } from './button';
import { Card, Notice, PageHeader, Skeleton, Stack, type Back } from './layout';

/** Of a page that shows one object: what stands there until its own is. */
interface Header {
  /** What the object is: `Webhook`. */
  kind: string;
  back: Back;
  /** In place of the object, if there is none. */
  missing: React.ReactNode;
}

/**
 * Shows that something is being loaded or why it could not be; its children once it is there. With a `header`, all
 * of a page, whose children have their own. A form stays when its object is gone, with what was typed in it.
 */
export function QueryState<T>({
  query,
  header,
  isForm = false,
  children,
}: {
  query: UseQueryResult<T>;
  header?: Header;
  isForm?: boolean;
  children: (data: T, isGone: boolean) => React.ReactNode;
}): React.ReactNode {
  const error = useTroubleOf(query);
  // While it can't be asked for, also by whoever has to sign in again, what was there last stays; not when it is gone.
  const isGone = isMissing(error);
  const isKept = error === null || isPassing(error) || isUnauthorized(error) || (isForm && isGone);
  if (query.data !== undefined && isKept) return children(query.data, isGone);
  const isNone = header !== undefined && isGone;
  return (
    <>
      {header && (
        <PageHeader
          title={isNone ? texts.common.missing.title(header.kind) : header.kind}
          back={header.back}
        />
      )}
      {isNone ? (
        <Card isBare>{header.missing}</Card>
      ) : error ? (
        <LoadError error={error} isBusy={query.isLoading} onRetry={() => void query.refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

export function LoadError({
  error,
  isBusy,
  onRetry,
}: {
  error: unknown;
  isBusy: boolean;
  onRetry: () => void;
}): React.ReactNode {
  const { title, advice } = explain(error);
  const isRetrying = isAskedAgain(error);
  return (
    <Notice
      tone="danger"
      title={title}
      actions={
        isRetrying ? undefined : (
          <Button size="small" isBusy={isBusy} onClick={onRetry}>
            {isBusy ? texts.common.loading : texts.common.retry}
          </Button>
        )
      }
    >
      {advice} {isRetrying && texts.problems.retrying}
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
