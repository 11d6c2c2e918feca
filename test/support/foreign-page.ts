import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves one page at an origin of its own on loopback, while `visit` runs. */
export async function withForeignPage(
  html: string,
  visit: (url: string) => Promise<void>,
  host = '127.0.0.1',
): Promise<void> {
  const server = createServer((_req, res) => {
    res.setHeader('content-type', 'text/html');
    res.end(`<!doctype html><title>Foreign</title>${html}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await visit(`http://${host}:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
