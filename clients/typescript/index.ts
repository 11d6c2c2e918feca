import createFetchClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './schema';

export type { components, paths };
/** A schema of the API by its name: `Schema<'Webhook'>`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

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
 * A client whose paths, parameters, bodies and answers are typed by Posthorn's OpenAPI document. Calls
 * answer `{data, error, response}`: a refusal is a value, only a lost connection throws.
 */
export function createPosthornClient({
  url,
  key,
  projectId,
  fetch,
}: PosthornOptions): Client<paths> {
  return createFetchClient<paths>({
    baseUrl: url,
    fetch,
    headers: {
      authorization: `Bearer ${key}`,
      ...(projectId !== undefined && { 'x-project-id': projectId }),
    },
  });
}
