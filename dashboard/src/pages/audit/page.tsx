import { useFilters } from '../../app/filters';
import { useAudit } from '../../api/projects';
import type { AuditEntry } from '../../api/types';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { DataTable, type Column } from '../../ui/data-table';
import { Select } from '../../ui/field';
import { EmptyState, PageHeader, Row } from '../../ui/layout';
import { NoneFound } from '../../ui/none-found';
import { PeriodFilter, periodOf } from '../../ui/period-filter';
import { SearchForm } from '../../ui/search-filter';
import { Time } from '../../ui/time';
import { Toolbar } from '../../ui/toolbar';
import { Tooltip } from '../../ui/tooltip';
import { Target } from './target';
import { Who } from './who';
import styles from './audit.module.css';

const words = texts.audit;
const NO_FILTERS = { action: '', target: '', period: '', since: '', until: '' } as const;
const ACTIONS: Record<AuditEntry['action'], string> = words.action;

export function AuditPage(): React.ReactNode {
  const [{ action, target, ...filters }, setFilters] = useFilters([
    'action',
    'target',
    'period',
    'since',
    'until',
  ]);
  const period = periodOf(filters);
  const list = useAudit({ action, target, ...period });
  const isFiltered = action !== undefined || target !== undefined || Object.keys(period).length > 0;
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Toolbar>
        {/* With Enter: half an id finds nothing. */}
        <SearchForm
          label={words.target}
          placeholder={words.targetPlaceholder}
          value={target ?? ''}
          onChange={(next) => setFilters({ target: next })}
        />
        <Select
          label={words.actionFilter}
          isLabelHidden
          value={action ?? ''}
          options={[
            { value: '', label: words.anyAction },
            ...Object.entries(ACTIONS).map(([value, label]) => ({ value, label })),
          ]}
          onChange={(next) => setFilters({ action: next })}
        />
        <PeriodFilter value={filters} onChange={setFilters} />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        rowId={({ id }) => id}
        empty={
          isFiltered ? (
            <NoneFound title={words.noneFound} onClear={() => setFilters(NO_FILTERS)}>
              {words.noneFoundAdvice}
            </NoneFound>
          ) : (
            <EmptyState icon="audit" title={words.none}>
              {words.noneAdvice}
            </EmptyState>
          )
        }
      />
    </>
  );
}

const columns: readonly Column<AuditEntry>[] = [
  {
    id: 'action',
    header: words.columns.action,
    width: 'minmax(12rem, 1.5fr)',
    isMain: true,
    cell: ({ action, outcome }) => (
      <Row>
        {ACTIONS[action]}
        {outcome === 'unknown' && (
          <Tooltip content={words.unknownMeans}>
            <span>
              <Badge tone="warning" icon="warning">
                {words.unknown}
              </Badge>
            </span>
          </Tooltip>
        )}
      </Row>
    ),
  },
  {
    id: 'target',
    header: words.columns.target,
    width: 'minmax(10rem, 2fr)',
    cell: (entry) => <Target entry={entry} />,
  },
  {
    id: 'who',
    header: words.columns.who,
    width: 'minmax(8rem, 1fr)',
    cell: (entry) => <Who entry={entry} />,
  },
  {
    id: 'fields',
    header: words.columns.fields,
    width: 'minmax(8rem, 1fr)',
    cell: ({ changedFields }) => <bdi className={styles.fields}>{changedFields.join(', ')}</bdi>,
  },
  {
    id: 'time',
    header: words.columns.time,
    width: '8rem',
    cell: ({ time }) => <Time value={time} />,
  },
];
