import type { Answer, ApiClient } from '../../support/api-client';
import { idsOf } from './walk';

export const search = (client: ApiClient, q: string, more = ''): Promise<Answer> =>
  client.get(`/v1/search?q=${encodeURIComponent(q)}${more}`);

/** The ids of what is found, on the first page. */
export async function found(client: ApiClient, q: string, more = ''): Promise<string[]> {
  const { status, body } = await search(client, q, more);
  expect({ q, status, error: body.error }).toEqual({ q, status: 200, error: undefined });
  return idsOf(body.data.results);
}
