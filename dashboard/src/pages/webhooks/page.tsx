import { useAccess } from '../../app/access';
import { useFilters } from '../../app/filters';
import type { Query } from '../../api/http';
import { useWebhooks } from '../../api/webhooks';
import { texts } from '../../texts';
import { LinkButton } from '../../ui/button';
import { Select } from '../../ui/field';
import { Card, EmptyState, PageHeader, Stack } from '../../ui/layout';
import { NoneFound } from '../../ui/none-found';
import { LoadMore } from '../../ui/load-more';
import { Long } from '../../ui/long';
import { Loading, LoadError } from '../../ui/query-state';
import { SearchFilter } from '../../ui/search-filter';
import { useWebhookDialogs } from './actions';
import { WebhookCard } from './card';
import styles from './webhooks.module.css';

const words = texts.webhooks;
const STATES = ['healthy', 'failing', 'paused', 'disabled'] as const;
const NO_FILTERS = { q: '', state: '' } as const;
type Sort = keyof typeof words.sorts;
/** What the API is asked for. */
const SORTS: Record<Sort, Query> = {
  newest: {},
  oldest: { order: 'asc' },
  name: { sort: 'name' },
  failureCount: { sort: 'failureCount' },
  lastFailedAt: { sort: 'lastFailedAt' },
  lastSuccessAt: { sort: 'lastSuccessAt' },
};

export function WebhooksPage(): React.ReactNode {
  const { canWrite } = useAccess();
  const [filters, setFilters] = useFilters(['q', 'state', 'sort']);
  const { q = '', state = '' } = filters;
  const sort =
    filters.sort !== undefined && filters.sort in SORTS ? (filters.sort as Sort) : 'newest';
  const list = useWebhooks({ q, state, ...SORTS[sort] });
  const { dialogs, open } = useWebhookDialogs();
  const create = canWrite && (
    <LinkButton kind="primary" icon="plus" to="/webhooks/new">
      {words.create}
    </LinkButton>
  );
  const isFiltered = q !== '' || state !== '';
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} actions={create} />
      {(isFiltered || list.isLoading || list.error !== null || list.items.length > 0) && (
        <div className={styles.bar}>
          <SearchFilter
            label={words.search}
            value={q}
            onChange={(next) => setFilters({ q: next })}
          />
          <Select
            label={words.state}
            isLabelHidden
            value={state}
            options={optionsOf(state)}
            onChange={(next) => setFilters({ state: next })}
          />
          <Select
            label={words.sort}
            isLabelHidden
            value={sort}
            options={Object.entries(words.sorts).map(([value, label]) => ({
              value: value as Sort,
              label,
            }))}
            onChange={(next) => setFilters({ sort: next === 'newest' ? '' : next })}
          />
        </div>
      )}
      {list.isLoading ? (
        <Loading />
      ) : list.items.length > 0 ? (
        <>
          <Stack>
            <Long list={list} />
            <div className={styles.grid}>
              {list.items.map((webhook) => (
                <WebhookCard
                  key={webhook.id}
                  webhook={webhook}
                  onOpen={(action) => open(webhook, action)}
                />
              ))}
            </div>
          </Stack>
          <LoadMore list={list} end={words.end(list.items.length)} />
        </>
      ) : list.error !== null ? (
        <LoadError error={list.error} isBusy={list.isRefreshing} onRetry={list.refresh} />
      ) : (
        <Card isBare>
          {isFiltered ? (
            <NoneFound title={words.noneFound} onClear={() => setFilters(NO_FILTERS)}>
              {words.noneFoundAdvice}
            </NoneFound>
          ) : (
            <EmptyState icon="webhook" title={words.none} actions={create}>
              {words.noneAdvice}
            </EmptyState>
          )}
        </Card>
      )}
      {dialogs}
    </>
  );
}

/** One state, or any; and several, where the address has several. */
function optionsOf(asked: string): { value: string; label: string }[] {
  const named: Partial<Record<string, string>> = texts.common.health;
  const isOne = asked === '' || STATES.some((state) => state === asked);
  const several = asked.split(',').map((state) => named[state] ?? state);
  return [
    { value: '', label: words.anyState },
    ...STATES.map((value) => ({ value, label: texts.common.health[value] })),
    ...(isOne ? [] : [{ value: asked, label: several.join(', ') }]),
  ];
}
