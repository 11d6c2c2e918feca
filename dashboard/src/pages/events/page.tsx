import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccess } from '../../app/access';
import { useFilters } from '../../app/filters';
import { useEvents } from '../../api/events';
import { exportMatching } from '../../api/exports';
import type { ListedEvent } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { CopyId } from '../../ui/copy';
import { DataTable, type Column } from '../../ui/data-table';
import { ExportMenu } from '../../ui/export-menu';
import { EmptyState, PageHeader, Row } from '../../ui/layout';
import { NoneFound } from '../../ui/none-found';
import { PeriodFilter, periodOf } from '../../ui/period-filter';
import { SearchForm } from '../../ui/search-filter';
import { Time } from '../../ui/time';
import { Toolbar } from '../../ui/toolbar';
import { TypeField } from '../../ui/type-field';
import { SearchResults } from './search-results';
import { SendDialog } from './send-dialog';

const words = texts.events;
const FILTERS = ['q', 'type', 'period', 'since', 'until'] as const;
const WATCH_MS = 10_000;

export function EventsPage(): React.ReactNode {
  const { canPublish } = useAccess();
  const [filters, setFilters] = useFilters(FILTERS);
  const [isSending, setSending] = useState(false);
  const period = periodOf(filters);
  const send = canPublish && (
    <Button kind="primary" icon="send" onClick={() => setSending(true)}>
      {words.send}
    </Button>
  );
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={
          <>
            {filters.q === undefined && (
              <ExportMenu
                onExport={(format) =>
                  exportMatching('events', { type: filters.type, ...period }, format)
                }
              />
            )}
            {send}
          </>
        }
      />
      <Toolbar>
        <Search q={filters.q ?? ''} onSearch={(q) => setFilters({ q })} />
        <TypeField
          label={words.type}
          isLabelHidden
          any={words.anyType}
          value={filters.type ?? ''}
          onChange={(type) => setFilters({ type })}
        />
        <PeriodFilter value={filters} onChange={setFilters} />
      </Toolbar>
      {filters.q === undefined ? (
        <List send={send} />
      ) : (
        <SearchResults q={filters.q} onClear={() => setFilters({ q: '' })} />
      )}
      {isSending && <SendDialog onClose={() => setSending(false)} />}
    </>
  );
}

/** Asked for with Enter: looking through payloads is work. */
function Search({ q, onSearch }: { q: string; onSearch: (q: string) => void }): React.ReactNode {
  const navigate = useNavigate();
  return (
    <SearchForm
      label={words.search.label}
      placeholder={words.search.placeholder}
      value={q}
      onChange={onSearch}
      onSubmit={(wanted) => {
        const isId = /^evt_[\da-f]{32}$/.test(wanted);
        if (isId) void navigate({ to: '/events/$eventId', params: { eventId: wanted } });
        return isId;
      }}
    />
  );
}

const columns: readonly Column<ListedEvent>[] = [
  {
    id: 'type',
    header: words.columns.type,
    width: 'minmax(12rem, 2fr)',
    isMain: true,
    cell: ({ id, type }) => (
      <Link to="/events/$eventId" params={{ eventId: id }}>
        <code>{type}</code>
      </Link>
    ),
  },
  {
    id: 'id',
    header: words.columns.id,
    width: 'minmax(10rem, 1.5fr)',
    cell: ({ id }) => <CopyId value={id} what={words.facts.id} />,
  },
  {
    id: 'state',
    header: words.columns.state,
    width: 'minmax(7rem, 1fr)',
    cell: ({ test, expungedAt }) => (
      <Row>
        {test && <Badge tone="info">{texts.common.test}</Badge>}
        {expungedAt !== null && <Badge icon="trash">{words.deleted}</Badge>}
      </Row>
    ),
  },
  {
    id: 'accepted',
    header: words.columns.accepted,
    width: '8rem',
    cell: ({ acceptedAt }) => <Time value={acceptedAt} />,
  },
];

function List({ send }: { send: React.ReactNode }): React.ReactNode {
  const navigate = useNavigate();
  const [{ type, ...filters }, setFilters] = useFilters(FILTERS);
  const period = periodOf(filters);
  const list = useEvents({ type, ...period }, { refetchMs: WATCH_MS });
  const isFiltered = type !== undefined || Object.keys(period).length > 0;
  return (
    <DataTable
      label={words.title}
      list={list}
      columns={columns}
      rowId={({ id }) => id}
      onOpen={({ id }) => void navigate({ to: '/events/$eventId', params: { eventId: id } })}
      empty={
        isFiltered ? (
          <NoneFound
            title={words.noneFound}
            onClear={() => setFilters({ type: '', period: '', since: '', until: '' })}
          >
            {words.noneFoundAdvice}
          </NoneFound>
        ) : (
          <EmptyState icon="event" title={words.none} actions={send}>
            {words.noneAdvice}
          </EmptyState>
        )
      }
    />
  );
}
