import { useFilters } from '../../app/filters';
import type { Query } from '../../api/http';
import { beginOf } from '../../ui/period-filter';

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

/** The filters as the address has them, and the API's query. */
export function useDeliveryFilters(): FilterBarProps & { query: Query } {
  const [filters, change] = useFilters(NAMES);
  const { range, since, until, order, ...same } = filters;
  const begin = beginOf(range);
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
