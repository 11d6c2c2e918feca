import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useDeliveries } from '../../api/deliveries';
import { useLiveDeliveries } from '../../api/live';
import type { DeliverySummary } from '../../api/types';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { DataTable } from '../../ui/data-table';
import { EmptyState, Kbd, PageHeader, Stack } from '../../ui/layout';
import { NoneFound } from '../../ui/none-found';
import { columns } from './columns';
import { FilterBar } from './filter-bar';
import { NO_FILTERS, useDeliveryFilters } from './query';
import { useSelection } from './selection';
import { SelectionBar } from './selection-bar';
import styles from './deliveries.module.css';

const words = texts.deliveries;
const WATCH_MS = 5_000;

export function DeliveriesPage(): React.ReactNode {
  const { filters, change, query } = useDeliveryFilters();
  const [isLive, setLive] = useState(true);
  const isTold = useLiveDeliveries(isLive);
  const list = useDeliveries(query, { refetchMs: isLive && !isTold && WATCH_MS });
  const selection = useSelection(query, list);
  const navigate = useNavigate();
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={
          !list.isLong && (
            <Button
              icon={isLive ? 'pause' : 'play'}
              title={isLive ? words.live.pause : words.live.resume}
              onClick={() => setLive(!isLive)}
            >
              {isLive ? words.live.on : words.live.off}
            </Button>
          )
        }
      />
      <Stack>
        <FilterBar filters={filters} change={change} />
        <DataTable<DeliverySummary>
          label={words.title}
          list={list}
          columns={columns}
          rowId={({ id }) => id}
          rowName={({ eventType, id }) => `${eventType} ${id}`}
          onOpen={({ id }) =>
            void navigate({ to: '/deliveries/$deliveryId', params: { deliveryId: id } })
          }
          selection={{ ids: selection.ids, onChange: selection.choose }}
          empty={
            Object.keys(filters).length > 0 ? (
              <NoneFound
                icon="filter"
                title={words.empty.filteredTitle}
                onClear={() => change(NO_FILTERS)}
              >
                {words.empty.filteredLead}
              </NoneFound>
            ) : (
              <EmptyState
                icon="delivery"
                title={words.empty.title}
                actions={
                  <LinkButton kind="primary" to="/webhooks">
                    {words.empty.action}
                  </LinkButton>
                }
              >
                {words.empty.lead}
              </EmptyState>
            )
          }
        />
        {list.items.length > 0 && <Keys />}
      </Stack>
      <SelectionBar selection={selection} list={list} query={query} />
    </>
  );
}

function Keys(): React.ReactNode {
  const { move, open, select, all } = words.keys;
  return (
    <p className={styles.keys}>
      <Kbd>j</Kbd> <Kbd>k</Kbd> {move} <Kbd>Enter</Kbd> {open} <Kbd>x</Kbd> {select} <Kbd>?</Kbd>{' '}
      {all}
    </p>
  );
}
