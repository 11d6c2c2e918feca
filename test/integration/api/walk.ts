import type { ApiClient } from '../../support/api-client';

export const idsOf = (items: { id: string }[]): string[] => items.map(({ id }) => id);

/** The ids of all pages of a list, first to last. */
export async function walk(
  client: ApiClient,
  { path, plural }: { path: string; plural: string },
  query: string,
  betweenPages = async (): Promise<unknown> => undefined,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const answer = await client.get(
      `${path}?${query}${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    expect(answer.status).toBe(200);
    const { [plural]: items, nextCursor } = answer.body.data;
    ids.push(...idsOf(items));
    cursor = nextCursor;
    await betweenPages();
  } while (cursor !== null);
  return ids;
}
