import { useEffect } from 'react';
import { useAccess } from '../../app/access';
import { useFilters } from '../../app/filters';
import { useWebhooks } from '../../api/webhooks';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { SearchField, Select } from '../../ui/field';
import { Card, EmptyState, PageHeader } from '../../ui/layout';
import { Loading, LoadError } from '../../ui/query-state';
import { WebhookCard } from './card';
import styles from './webhooks.module.css';

const words = texts.webhooks;
const STATES = ['healthy', 'failing', 'paused', 'disabled'] as const;

export function WebhooksPage(): React.ReactNode {
  const { canWrite } = useAccess();
  const list = useWebhooks();
  const [filters, setFilters] = useFilters(['q', 'state']);
  const { hasMore, loadMore } = list;
  useEffect(() => {
    if (hasMore) loadMore();
  }, [hasMore, loadMore]);
  const create = canWrite && (
    <LinkButton kind="primary" icon="plus" to="/webhooks/new">
      {words.create}
    </LinkButton>
  );
  const wanted = (filters.q ?? '').toLowerCase();
  const shown = list.items.filter(
    (webhook) =>
      `${webhook.name} ${webhook.url} ${webhook.id}`.toLowerCase().includes(wanted) &&
      (filters.state === undefined || webhook.health.state === filters.state),
  );
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} actions={create} />
      {list.isLoading && <Loading />}
      {list.error !== null && list.items.length === 0 && (
        <LoadError error={list.error} onRetry={list.refresh} />
      )}
      {!list.isLoading && list.error === null && list.items.length === 0 && (
        <Card isBare>
          <EmptyState icon="webhook" title={words.none} actions={create}>
            {words.noneAdvice}
          </EmptyState>
        </Card>
      )}
      {list.items.length > 0 && (
        <>
          <div className={styles.bar}>
            <SearchField
              label={words.search}
              value={filters.q ?? ''}
              onChange={(q) => setFilters({ q })}
            />
            <Select
              label={words.state}
              isLabelHidden
              value={filters.state ?? ''}
              options={[
                { value: '', label: words.anyState },
                ...STATES.map((value) => ({ value, label: texts.common.health[value] })),
              ]}
              onChange={(state) => setFilters({ state })}
            />
          </div>
          {shown.length === 0 ? (
            <Card isBare>
              <EmptyState
                icon="search"
                title={words.noneFound}
                actions={
                  <Button onClick={() => setFilters({ q: '', state: '' })}>
                    {texts.common.clearFilters}
                  </Button>
                }
              >
                {words.noneFoundAdvice}
              </EmptyState>
            </Card>
          ) : (
            <div className={styles.grid}>
              {shown.map((webhook) => (
                <WebhookCard key={webhook.id} webhook={webhook} />
              ))}
            </div>
          )}
        </>
      )}
    </>
  );
}
