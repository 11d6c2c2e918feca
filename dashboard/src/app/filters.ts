import { useNavigate, useSearch } from '@tanstack/react-router';

type Filters<Name extends string> = Partial<Record<Name, string>>;

/** What changes; or made of the filters as they are when it is done, where a change builds on them. */
export type ChangeFilters<Name extends string> = (
  changes: Filters<Name> | ((now: Filters<Name>) => Filters<Name>),
) => void;

/**
 * The page's filters, which are in its address: they can be linked to, and survive a reload.
 * @param names of those that the page has
 */
export function useFilters<const Name extends string>(
  names: readonly Name[],
): readonly [Filters<Name>, ChangeFilters<Name>] {
  const search: Filters<string> = useSearch({ strict: false });
  const navigate = useNavigate();
  const given = names.filter((name) => search[name] !== undefined && search[name] !== '');
  const filters = Object.fromEntries(given.map((name) => [name, search[name]])) as Filters<Name>;
  const change: ChangeFilters<Name> = (changes) => {
    // Of the address as it is now: the page may not show yet what was changed a moment ago.
    const changed = (now: Filters<string>): Filters<string> => ({
      ...now,
      ...(typeof changes === 'function' ? changes(now) : changes),
    });
    // Replaces: the way back leads to the page before, not through each letter of a search.
    void navigate({ to: '.', search: changed as never, replace: true });
  };
  return [filters, change];
}
