import { useMemo } from 'react';
import { useFilters } from '../../app/filters';
import type { Query } from '../../api/http';

const NAMES = [
  'status',
  'webhookId',
  'eventId',
  'type',
  'statusCode',
  'errorCode',
  'range',
  'since',
  'until',
  'order',
] as const;

export type DeliveryFilters = Partial<Record<(typeof NAMES)[number], string>>;

export interface FilterBarProps {
  filters: DeliveryFilters;
  change: (changes: DeliveryFilters) => void;
}

const HOUR_MS = 3_600_000;
export const RANGES: Record<string, number> = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': 30 * 24 * HOUR_MS,
};

/** The filters as the address has them, and the API's query. */
export function useDeliveryFilters(): FilterBarProps & { query: Query } {
  const [filters, change] = useFilters(NAMES);
  const { range, since, until, order, ...same } = filters;
  // From a fixed moment, as long as the page is shown: the same question to the API, asked again.
  const begin = useMemo(() => beginOf(range), [range]);
  return {
    filters,
    change,
    query: {
      ...same,
      since: begin ?? since,
      until: begin === undefined ? until : undefined,
      order: order === 'asc' ? 'asc' : undefined,
    },
  };
}

function beginOf(range: string | undefined): string | undefined {
  const ms = range === undefined ? undefined : RANGES[range];
  return ms === undefined ? undefined : new Date(Date.now() - ms).toISOString();
}
