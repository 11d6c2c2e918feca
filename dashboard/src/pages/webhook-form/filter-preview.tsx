import { filterProblems } from '../../../../src/domain/filter-problems';
import { parseExactly } from '../../../../src/domain/json-text';
import { passesFilter } from '../../../../src/domain/payload-filter';
import { isSubscribed } from '../../../../src/domain/subscription';
import { useEvents } from '../../api/events';
import type { ListedEvent } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { FieldError } from '../../ui/field';
import { LoadError } from '../../ui/query-state';
import { Time } from '../../ui/time';
import { linesOf } from './draft';
import styles from './form.module.css';

const words = texts.webhooks.form;
const TRIED_EVENTS = 50;
const SHOWN_EVENTS = 8;

/** What the filter would do to the latest events, by the evaluator that decides it for real. */
export default function FilterPreview({
  filter,
  patterns,
}: {
  filter: Record<string, unknown>;
  patterns: ReadonlySet<string>;
}): React.ReactNode {
  const events = useEvents({ include: 'data' }, { pageSize: TRIED_EVENTS });
  const { items, error } = events;
  const problems = filterProblems(filter);
  if (problems.length > 0) {
    return <FieldError error={linesOf(problems)} />;
  }
  if (events.isLoading) return null;
  if (error !== null && items.length === 0) {
    return <LoadError error={error} isBusy={events.isRefreshing} onRetry={events.refresh} />;
  }
  const subscribed = items.filter(({ type }) => isSubscribed([...patterns], type));
  if (subscribed.length === 0) return <p className={styles.muted}>{words.previewNone}</p>;
  const judged = subscribed.map((event) => ({
    event,
    // An event that can't be decided passes.
    passes: passesFilter(filter, envelopeOf(event)) !== false,
  }));
  return (
    <div className={styles.preview}>
      <strong role="status">
        {words.preview(judged.filter(({ passes }) => passes).length, judged.length)}
      </strong>
      <ul>
        {judged.slice(0, SHOWN_EVENTS).map(({ event, passes }) => (
          <li key={event.id}>
            <Badge tone={passes ? 'success' : 'neutral'} icon={passes ? 'success' : 'ban'}>
              {passes ? words.previewPasses : words.previewStays}
            </Badge>
            <code>{event.type}</code>
            <span className={styles.muted}>
              <Time value={event.acceptedAt} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** With the names of all profiles' envelopes. */
const envelopeOf = ({ type, createdAt, data, projectId }: ListedEvent): unknown => ({
  type,
  event: type,
  createdAt,
  timestamp: createdAt,
  workspaceId: projectId,
  data: parseExactly(data ?? 'null'),
});
