import { useState } from 'react';
import type { Query } from '../../api/http';
import type { List } from '../../api/lists';
import type { DeliverySummary } from '../../api/types';

type Rows = ReadonlyMap<string, DeliverySummary>;

export interface DeliverySelection {
  ids: ReadonlySet<string>;
  /** As they were seen last: newer deliveries may have pushed them out of what is loaded. */
  rows: readonly DeliverySummary[];
  /** Also those that match and are not loaded. */
  isAll: boolean;
  choose: (ids: ReadonlySet<string>) => void;
  chooseAll: () => void;
}

/** What is selected of a list, for as long as its filters stay. */
export function useSelection(query: Query, list: List<DeliverySummary>): DeliverySelection {
  // For one question: another one's rows are others.
  const asked = JSON.stringify(query);
  const nothing = { asked, rows: new Map() as Rows, isAll: false };
  const [kept, setKept] = useState(nothing);
  let chosen = kept.asked === asked ? kept : nothing;
  const rows = seenLast(chosen.rows, list, query.order === 'asc');
  if (rows !== chosen.rows) {
    chosen = { ...chosen, rows };
    setKept(chosen);
  }
  const ids = new Set(rows.keys());
  return {
    ids,
    rows: [...rows.values()],
    isAll: chosen.isAll && !(list.isWhole && list.items.length === 0),
    choose: (wanted) => {
      const known = [...rows.values(), ...list.items].filter(({ id }) => wanted.has(id));
      setKept({ asked, rows: new Map(known.map((row) => [row.id, row])), isAll: false });
    },
    chooseAll: () => setKept({ ...chosen, isAll: true }),
  };
}

/** The same map where nothing has changed. */
function seenLast(rows: Rows, list: List<DeliverySummary>, isAscending: boolean): Rows {
  const loaded = new Map(list.items.map((row) => [row.id, row]));
  const now = [...rows.values()]
    .filter(({ id }) => loaded.has(id) || isBeyond(id, list, isAscending))
    .map((row) => loaded.get(row.id) ?? row);
  const isSame = now.length === rows.size && now.every((row) => rows.get(row.id) === row);
  return isSame ? rows : new Map(now.map((row) => [row.id, row]));
}

/** Lists are in the order of ids. What is missing among those that are loaded matches the filters no more. */
function isBeyond(
  id: string,
  { items, isWhole }: List<DeliverySummary>,
  isAscending: boolean,
): boolean {
  if (isWhole) return false;
  const last = items.at(-1);
  return !last || (isAscending ? id > last.id : id < last.id);
}
