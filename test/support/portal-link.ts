import { ApiClient } from './api-client';

/** Makes a portal link, and a client that uses it. */
export async function portalLink(client: ApiClient, capabilities: string, expiresIn?: number) {
  const made = await client.post('/v1/portal-links', { capabilities, expiresIn });
  expect(made.status).toBe(201);
  return { ...made.body.data, client: new ApiClient(client.url, made.body.data.token) } as {
    id: string;
    url: string;
    token: string;
    expiresAt: string;
    client: ApiClient;
  };
}
