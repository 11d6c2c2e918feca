import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that systems give to outgoing connections and to whoever listens on port 0: one of these could
 * be given away before the process that it is for listens on it, or while a server is down.
 */
const RANGE = { from: 10_000, to: 32_000 };

/** Elsewhere than in other processes that look for one at this moment. */
let last = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));

/** A port on which nothing listens, another one each time. */
export async function freePort(): Promise<number> {
  for (;;) {
    last = last < RANGE.to ? last + 1 : RANGE.from;
    const port = last;
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
