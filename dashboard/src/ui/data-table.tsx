import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { List } from '../api/lists';
import { texts } from '../texts';
import { Button } from './button';
import { classes } from './class-names';
import { Stack } from './layout';
import { Long } from './long';
import { Looked } from './looked';
import { Loading, LoadError } from './query-state';
import { useFormatTime } from './time';
import styles from './data-table.module.css';

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => React.ReactNode;
  /** A track of a CSS grid: `8rem`, `minmax(10rem, 2fr)`. */
  width?: string;
  /** The cell that stands above the others where there is little room. */
  isMain?: boolean;
  /** True: its header stands before it there, since it says little by itself. */
  isNamed?: boolean;
  align?: 'end';
}

export interface Selection {
  ids: ReadonlySet<string>;
  onChange: (ids: ReadonlySet<string>) => void;
}

interface DataTableProps<T> {
  /** What the rows are, for screen readers. */
  label: string;
  list: List<T>;
  columns: readonly Column<T>[];
  rowId: (row: T) => string;
  /** A row's name for screen readers, where it can be selected. */
  rowName?: (row: T) => string;
  onOpen?: (row: T) => void;
  selection?: Selection;
  /** Instead of a table without rows. */
  empty: React.ReactNode;
}

const ROW_PX = 45;
/** Rows beyond the visible ones, ready for scrolling. */
const OVERSCAN = 12;
/** What takes letters itself. */
const OWN_KEYS = 'input, select, textarea, [role="dialog"], [role="menu"]';
const CONTROLS = 'a, button, input, select, textarea, label';

/** A list as a grid of which only the visible rows exist; more are loaded towards its end. */
export function DataTable<T>(props: DataTableProps<T>): React.ReactNode {
  const { list, empty } = props;
  // Filtered here: of a list that is loaded whole, the rest may have some.
  const isOnWay =
    list.items.length === 0 && list.hasMore && list.lookedTo === null && list.error === null;
  if (list.isLoading || isOnWay) {
    return (
      <div className={classes(styles.frame, styles.loading)}>
        <Loading />
      </div>
    );
  }
  if (list.error && list.items.length === 0) {
    return <LoadError error={list.error} isBusy={list.isRefreshing} onRetry={list.refresh} />;
  }
  if (list.items.length === 0) {
    return list.lookedTo === null ? (
      <div className={styles.frame}>{empty}</div>
    ) : (
      <LookedTo list={list} time={list.lookedTo} />
    );
  }
  return (
    <Stack>
      <Long list={list} />
      <Grid {...props} />
      {list.lookedTo !== null && <LookedTo list={list} time={list.lookedTo} />}
    </Stack>
  );
}

function LookedTo({ list, time }: { list: List<unknown>; time: string }): React.ReactNode {
  const format = useFormatTime();
  const { none, some } = texts.common.looked;
  return (
    <Looked isBusy={list.isLoadingMore} onMore={list.loadMore}>
      {(list.items.length === 0 ? none : some)(format(time))}
    </Looked>
  );
}

function Grid<T>({
  label,
  list,
  columns,
  rowId,
  rowName = rowId,
  onOpen,
  selection,
}: DataTableProps<T>): React.ReactNode {
  const { items: rows, hasMore, lookedTo, isLong, isLoadingMore, loadMore, error } = list;
  const isByHand = lookedTo !== null;
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, [isLong]);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: top,
    getItemKey: (index) => rowId(rows[index]!),
  });
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    // After an error, when somebody asks.
    if (hasMore && !isByHand && error === null && lastShown >= rows.length - OVERSCAN) loadMore();
  }, [hasMore, isByHand, error, lastShown, rows.length, loadMore]);

  const focusRow = (index: number): void => {
    const next = Math.min(Math.max(index, 0), rows.length - 1);
    setActive(next);
    virtual.scrollToIndex(next);
    const focus = (): boolean => {
      const row = body.current?.querySelector<HTMLElement>(`[data-index="${next}"]`);
      row?.focus();
      return Boolean(row);
    };
    // At once, so that the next key is the row's; one that is far away exists a moment later.
    if (!focus()) requestAnimationFrame(focus);
  };
  useEffect(() => {
    // From elsewhere on the page, the keys lead to the row that had the focus last, or to the first.
    const onPageKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== 'j' && event.key !== 'k') return;
      if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
      if ((event.target as HTMLElement).closest(OWN_KEYS)) return;
      event.preventDefault();
      focusRow(active);
    };
    document.addEventListener('keydown', onPageKey);
    return () => document.removeEventListener('keydown', onPageKey);
  });
  const toggle = (id: string): void => {
    if (!selection) return;
    const ids = new Set(selection.ids);
    if (!ids.delete(id)) ids.add(id);
    selection.onChange(ids);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    // Where the focus is now: rows that arrived since may have moved it.
    const at = (event.target as HTMLElement).dataset.index;
    if (at === undefined) return;
    const index = Number(at);
    const row = rows[index];
    const act = {
      ArrowDown: () => focusRow(index + 1),
      j: () => focusRow(index + 1),
      ArrowUp: () => focusRow(index - 1),
      k: () => focusRow(index - 1),
      Home: () => focusRow(0),
      End: () => focusRow(rows.length - 1),
      Enter: () => row && onOpen?.(row),
      x: () => row && toggle(rowId(row)),
      ' ': () => row && toggle(rowId(row)),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  const isAllSelected =
    selection !== undefined && rows.every((row) => selection.ids.has(rowId(row)));
  const tracks = columns.map(({ width = 'minmax(6rem, 1fr)' }) => width);
  return (
    <div
      role="grid"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      aria-multiselectable={selection ? true : undefined}
      tabIndex={-1}
      className={styles.frame}
      style={{ '--columns': [...(selection ? ['1.25rem'] : []), ...tracks].join(' ') }}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className={classes(styles.row, styles.head)}>
          {selection && (
            <span role="columnheader">
              <input
                type="checkbox"
                className={styles.check}
                aria-label={texts.common.selectAll}
                checked={isAllSelected}
                onChange={() =>
                  // Others may have been selected that are not loaded any more.
                  selection.onChange(
                    new Set(
                      isAllSelected ? [] : [...selection.ids, ...rows.map((row) => rowId(row))],
                    ),
                  )
                }
              />
            </span>
          )}
          {columns.map(({ id, header, align }) => (
            <span
              key={id}
              role="columnheader"
              className={classes(styles.cell, align === 'end' && styles.end)}
            >
              {header}
            </span>
          ))}
        </div>
      </div>
      <div
        role="rowgroup"
        ref={body}
        className={styles.body}
        style={{ blockSize: virtual.getTotalSize() }}
      >
        {shown.map(({ index, key, start }) => {
          const row = rows[index]!;
          const id = rowId(row);
          const isSelected = selection?.ids.has(id) ?? false;
          return (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the grid has them
            <div
              key={key}
              role="row"
              data-index={index}
              ref={virtual.measureElement}
              aria-rowindex={index + 2}
              aria-selected={selection ? isSelected : undefined}
              tabIndex={index === Math.min(active, rows.length - 1) ? 0 : -1}
              className={classes(
                styles.row,
                styles.item,
                onOpen && styles.opens,
                isSelected && styles.selected,
              )}
              style={{ transform: `translateY(${start - virtual.options.scrollMargin}px)` }}
              onFocus={() => setActive(index)}
              onClick={(event) => {
                // Whoever has marked a text, to copy it, stays.
                const isMarked = String(getSelection()) !== '';
                if (!isMarked && !(event.target as HTMLElement).closest(CONTROLS)) onOpen?.(row);
              }}
            >
              {selection && (
                <span role="gridcell">
                  <input
                    type="checkbox"
                    className={styles.check}
                    aria-label={texts.common.selectRow(rowName(row))}
                    checked={isSelected}
                    onChange={() => toggle(id)}
                  />
                </span>
              )}
              {columns.map(({ id: column, header, cell, isMain, isNamed, align }) => (
                <div
                  key={column}
                  role="gridcell"
                  data-name={isNamed ? `${header}: ` : undefined}
                  className={classes(
                    styles.cell,
                    isMain && styles.main,
                    align === 'end' && styles.end,
                  )}
                >
                  {cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
      <div role="rowgroup">
        <div role="row" className={styles.foot}>
          <span role="gridcell">{hasMore ? '' : texts.common.allLoaded(rows.length)}</span>
          {hasMore && !isByHand && (
            <span role="gridcell">
              <Button size="small" kind="ghost" isBusy={isLoadingMore} onClick={loadMore}>
                {isLoadingMore ? texts.common.loading : texts.common.loadMore}
              </Button>
            </span>
          )}
        </div>
      </div>
    </div>
  );
}
