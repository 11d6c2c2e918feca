import { useFilters, type ChangeFilters } from '../../app/filters';
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

type Name = (typeof NAMES)[number];
export type DeliveryFilters = Partial<Record<Name, string>>;

/** Also what is not shown yet. */
export const NO_FILTERS: DeliveryFilters = Object.fromEntries(
  NAMES.map((name) => [name, undefined]),
);

export interface FilterBarProps {
  filters: DeliveryFilters;
  change: ChangeFilters<Name>;
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
