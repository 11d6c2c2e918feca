import type { List } from '../api/lists';
import { texts } from '../texts';
import { Button } from './button';
import { Select } from './field';
import { Stack } from './layout';
import styles from './field.module.css';
import { SearchFilter } from './search-filter';

const words = texts.common.searchSelect;
/** As many as are asked for at once. */
const PAGE = 100;

interface Named {
  id: string;
  name: string;
}

/**
 * One of many: where there are more than a page of them, a search before the list narrows it, and more can be
 * added to it.
 */
export function SearchSelect({
  label,
  search,
  any,
  value,
  current = value,
  all,
  q,
  found,
  error,
  onSearch,
  onChange,
}: {
  label: string;
  /** The name of the search. */
  search: string;
  /** What it is called when none is chosen, where that can be. */
  any?: string;
  /** The id of the chosen one; empty: none. */
  value: string;
  /** Its name: it may not be among those that match. */
  current?: string;
  all: List<Named>;
  q: string;
  /** Those that match `q`. */
  found: List<Named>;
  error?: string | undefined;
  onSearch: (q: string) => void;
  onChange: (id: string) => void;
}): React.ReactNode {
  const isListed = value === '' || found.items.some(({ id }) => id === value);
  const options = [
    ...(any === undefined ? [] : [{ value: '', label: any }]),
    ...(isListed ? [] : [{ value, label: current }]),
    ...found.items.map(({ id, name }) => ({ value: id, label: name })),
  ];
  const select = <Select {...{ label, error, value, options, onChange }} />;
  if (!all.hasMore && all.items.length <= PAGE) return select;
  return (
    <Stack isTight>
      <SearchFilter label={search} value={q} onChange={onSearch} />
      {select}
      <div role="status" className={styles.help}>
        {/* What others have found says nothing of these. */}
        {(found.hasMore || found.isWhole) && words.found(found.items.length, found.hasMore)}{' '}
        {found.hasMore && (
          <Button size="small" kind="ghost" isBusy={found.isLoadingMore} onClick={found.loadMore}>
            {texts.common.loadMore}
          </Button>
        )}
      </div>
    </Stack>
  );
}
