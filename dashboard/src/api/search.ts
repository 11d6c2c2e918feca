import type { UseQueryResult } from '@tanstack/react-query';
import { useOne } from './lists';

export interface Found {
  kind: string;
  id: string;
  title: string;
}

/** Any id, or a piece of a name or URL. */
export const useSearch = (q: string): UseQueryResult<{ results: Found[] }> =>
  useOne('search', [], 'v1/search', { query: { q }, enabled: q.trim() !== '' });
