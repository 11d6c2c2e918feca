import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { ApiClient } from '../../support/api-client';

interface Received {
  status: number;
  headers: IncomingMessage['headers'];
  trailers: IncomingMessage['trailers'];
  text: string;
  /** Whether the body ended, and was not broken off. */
  isComplete: boolean;
}

/** As Node receives it: with trailers. */
export async function receive(client: ApiClient, path: string): Promise<Received> {
  const headers = { authorization: `Bearer ${client.key}` };
  const asked = request(`${client.url}${path}`, { headers });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  answer.setEncoding('utf8').on('data', (part: string) => (text += part));
  answer.on('error', () => {});
  await new Promise((resolve) => answer.once('close', resolve));
  return {
    status: answer.statusCode!,
    headers: answer.headers,
    trailers: answer.trailers,
    text,
    isComplete: answer.complete,
  };
}

/** The items of an NDJSON. */
export const linesOf = (text: string): Record<string, unknown>[] => {
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};
