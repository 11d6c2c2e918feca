import { Link, useNavigate } from '@tanstack/react-router';
import { Elsewhere } from '../../app/elsewhere';
import { useFilters } from '../../app/filters';
import { useSearch } from '../../api/search';
import type { SearchResult } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { CopyId } from '../../ui/copy';
import { DataTable, type Column } from '../../ui/data-table';
import { EmptyState, Row, Stack } from '../../ui/layout';
import { Looked } from '../../ui/looked';
import { periodOf } from '../../ui/period-filter';
import { Time, useFormatTime } from '../../ui/time';
import styles from './events.module.css';

const words = texts.events.search;

/** What was found, of whatever kind, and how far was looked. */
export function SearchResults({ q, onClear }: { q: string; onClear: () => void }): React.ReactNode {
  const navigate = useNavigate();
  const [{ type, ...filters }] = useFilters(['type', 'period', 'since', 'until']);
  const { list, scanned } = useSearch(q, { type, ...periodOf(filters) });
  const format = useFormatTime();
  // A search in payloads is continued when somebody asks for it.
  const byHand = scanned === null ? list : { ...list, hasMore: false, lookedTo: null };
  return (
    <Stack>
      <Row>
        <h2 className={styles.results}>{words.title(q)}</h2>
        <Button size="small" icon="close" onClick={onClear}>
          {texts.common.clear}
        </Button>
      </Row>
      <DataTable
        label={words.title(q)}
        list={byHand}
        columns={columns}
        rowId={({ id }) => id}
        onOpen={(found) => {
          const to = pageOf(found);
          if (to !== null) void navigate({ to });
        }}
        empty={
          <Elsewhere id={q}>
            <EmptyState icon="search" title={words.none}>
              {words.noneAdvice}
            </EmptyState>
          </Elsewhere>
        }
      />
      {scanned && (
        <Looked
          isComplete={scanned.isComplete}
          isBusy={list.isLoadingMore}
          onMore={list.hasMore ? list.loadMore : null}
        >
          {(scanned.isComplete ? words.complete : words.stopped)(
            scanned.events,
            format(scanned.since),
          )}
        </Looked>
      )}
    </Stack>
  );
}

const PAGES: Record<SearchResult['kind'], ((id: string) => string) | null> = {
  webhook: (id) => `/webhooks/${id}`,
  event: (id) => `/events/${id}`,
  delivery: (id) => `/deliveries/${id}`,
  replay: (id) => `/replays/${id}`,
  key: () => '/keys',
  audit: () => '/audit',
  project: null,
  report: null,
};

/** Where it is shown; null: nowhere. */
const pageOf = ({ kind, id }: SearchResult): string | null => PAGES[kind]?.(id) ?? null;

const columns: readonly Column<SearchResult>[] = [
  {
    id: 'what',
    header: words.columns.what,
    width: 'minmax(12rem, 2fr)',
    isMain: true,
    cell: (found) => {
      const to = pageOf(found);
      const title = <bdi>{found.title}</bdi>;
      return to === null ? title : <Link to={to}>{title}</Link>;
    },
  },
  {
    id: 'kind',
    header: words.columns.kind,
    width: '8rem',
    cell: ({ kind }) => <Badge>{words.kind[kind]}</Badge>,
  },
  {
    id: 'id',
    header: words.columns.id,
    width: 'minmax(10rem, 1.5fr)',
    cell: ({ id, kind }) => <CopyId value={id} what={words.kind[kind]} />,
  },
  {
    id: 'created',
    header: words.columns.created,
    width: '8rem',
    cell: ({ createdAt }) => <Time value={createdAt} />,
  },
];
