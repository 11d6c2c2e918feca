import { createClient } from './generated/client';
import { Posthorn } from './generated/sdk.gen';

export type * from './generated/types.gen';
export type { Posthorn };

export interface PosthornOptions {
  /** Where the API is: `https://posthorn.example.com`. */
  url: string;
  /** The admin key, or a key of a project. */
  key: string;
  /** The admin key needs it for all that is a project's. */
  projectId?: string;
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * A client with one method for each operation of Posthorn's OpenAPI document, typed by it. Calls answer
 * `{data, error, response}`: a refusal is a value, only a lost connection throws.
 */
export function createPosthornClient({ url, key, projectId, fetch }: PosthornOptions): Posthorn {
  const client = createClient({
    baseUrl: url,
    ...(fetch && { fetch: (request) => fetch(request as Request) }),
    headers: {
      authorization: `Bearer ${key}`,
      ...(projectId !== undefined && { 'x-project-id': projectId }),
    },
  });
  client.interceptors.error.use((error, response: Response | undefined) => {
    // Nothing was answered: no refusal, whose code could be looked at.
    if (!response) throw error;
    return error;
  });
  return new Posthorn({ client });
}
