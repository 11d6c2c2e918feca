import { explain, fieldError, isUnauthorized } from '../api/problem';
import { Notice } from './layout';

const bringIntoView = (box: HTMLDivElement | null): void =>
  box?.scrollIntoView({ block: 'nearest' });

/** Why something was refused, brought into view, unless it is shown beside one of these fields, or by the sign-in page. */
export function Refusal({
  error,
  besides,
}: {
  error: unknown;
  besides: readonly string[];
}): React.ReactNode {
  const isElsewhere =
    isUnauthorized(error) || besides.some((field) => fieldError(error, field) !== undefined);
  if (!error || isElsewhere) return null;
  const { title, advice } = explain(error);
  return (
    <div ref={bringIntoView}>
      <Notice tone="danger" title={title}>
        {advice}
      </Notice>
    </div>
  );
}
