import type { ProviderName } from '../../../src/providers';
import type { Answer, ApiClient } from '../../support/api-client';
import type { Signed } from '../../unit/providers/sign';

/** Posts bytes as a provider does: its headers, and the key in the URL since it can't set one. */
export function postNative(
  { url, key }: ApiClient,
  provider: ProviderName,
  { body, headers }: Signed,
): Promise<Answer> {
  return postRaw(`${url}/api/webhooks/${provider}?token=${key}`, body, headers);
}

export async function postRaw(
  url: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: new Uint8Array(Buffer.from(body)),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
