import { explain, fieldError } from '../api/problem';
import { Notice } from './layout';

const bringIntoView = (box: HTMLDivElement | null): void =>
  box?.scrollIntoView({ block: 'nearest' });

/** Why something was refused, brought into view, unless that is shown beside one of these fields. */
export function Refusal({
  error,
  besides,
}: {
  error: unknown;
  besides: readonly string[];
}): React.ReactNode {
  if (!error || besides.some((field) => fieldError(error, field) !== undefined)) return null;
  const { title, advice } = explain(error);
  return (
    <div ref={bringIntoView}>
      <Notice tone="danger" title={title}>
        {advice}
      </Notice>
    </div>
  );
}
