import { Link, useNavigate } from '@tanstack/react-router';
import { useAccess } from '../../app/access';
import { useFilters } from '../../app/filters';
import { canDefine, useEventTypes } from '../../api/events';
import { useAll } from '../../api/lists';
import type { ListedEventType } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { LinkButton } from '../../ui/button';
import { DataTable, type Column } from '../../ui/data-table';
import { EmptyState, Notice, PageHeader, Stack } from '../../ui/layout';
import { NoneFound } from '../../ui/none-found';
import { SearchFilter } from '../../ui/search-filter';

const words = texts.eventTypes;

export function EventTypesPage(): React.ReactNode {
  const { canPublish } = useAccess();
  const navigate = useNavigate();
  const list = useAll(useEventTypes());
  const [{ q = '' }, setFilters] = useFilters(['q']);
  const isOwn = canDefine(list);
  const add = canPublish && isOwn && (
    <LinkButton kind="primary" icon="plus" to="/event-types/new">
      {words.add}
    </LinkButton>
  );
  const wanted = q.trim().toLowerCase();
  const items = list.items.filter(({ type, description }) =>
    `${type} ${description}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} actions={add} />
      <Stack>
        {!isOwn && list.items.length > 0 && (
          <Notice tone="neutral">{words.readOnly.profile}</Notice>
        )}
        {list.items.length > 0 && (
          <SearchFilter
            label={words.search}
            value={q}
            onChange={(next) => setFilters({ q: next })}
          />
        )}
        <DataTable
          label={words.title}
          list={{ ...list, items }}
          columns={columns}
          rowId={({ type }) => type}
          onOpen={({ type }) => void navigate({ to: '/event-types/$type', params: { type } })}
          empty={
            wanted === '' ? (
              <EmptyState icon="type" title={words.none} actions={add}>
                {words.noneAdvice}
              </EmptyState>
            ) : (
              <NoneFound title={words.noneFound} onClear={() => setFilters({ q: '' })}>
                {words.noneFoundAdvice}
              </NoneFound>
            )
          }
        />
      </Stack>
    </>
  );
}

const columns: readonly Column<ListedEventType>[] = [
  {
    id: 'type',
    header: words.columns.type,
    width: 'minmax(12rem, 1fr)',
    isMain: true,
    cell: ({ type }) => (
      <Link to="/event-types/$type" params={{ type }}>
        <code>{type}</code>
      </Link>
    ),
  },
  {
    id: 'description',
    header: words.columns.description,
    width: 'minmax(14rem, 2fr)',
    cell: ({ description }) => <bdi>{description}</bdi>,
  },
  {
    id: 'source',
    header: words.columns.source,
    width: '8rem',
    cell: ({ source }) => <Badge>{words.source[source]}</Badge>,
  },
];
