import { useNavigate, useSearch } from '@tanstack/react-router';

/**
 * The page's filters, which are in its address: they can be linked to, and survive a reload.
 * @param names of those that the page has
 */
export function useFilters<const Name extends string>(
  names: readonly Name[],
): readonly [Partial<Record<Name, string>>, (changes: Partial<Record<Name, string>>) => void] {
  const search: Partial<Record<string, string>> = useSearch({ strict: false });
  const navigate = useNavigate();
  const given = names.filter((name) => search[name] !== undefined && search[name] !== '');
  const filters = Object.fromEntries(given.map((name) => [name, search[name]])) as Partial<
    Record<Name, string>
  >;
  const change = (changes: Partial<Record<Name, string>>): void => {
    // Replaces: the way back leads to the page before, not through each letter of a search.
    void navigate({ to: '.', search: { ...search, ...changes } as never, replace: true });
  };
  return [filters, change];
}
