import { explain, fieldError } from '../api/problem';
import { Notice } from './layout';

/** Why something was refused, unless that is shown beside one of these fields. */
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
    <Notice tone="danger" title={title}>
      {advice}
    </Notice>
  );
}
