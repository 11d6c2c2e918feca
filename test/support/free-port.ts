import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that systems give to outgoing connections and to whoever listens on port 0: one of these could
 * be given away before the process that it is for listens on it, or while a server is down. Above the last one
 * in this range that `fetch` refuses, 10080.
 */
const RANGE = { from: 10_100, to: 32_000 };
/** More than jest has. */
const WORKERS = 8;

/** Each of jest's workers has ports of its own: another one's may be looked at before it is listened on. */
const SHARE = Math.floor((RANGE.to - RANGE.from) / WORKERS);
const first = RANGE.from + (Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS) * SHARE;

/** Elsewhere than in the files before, and in other runs on this machine. */
let next = Math.floor(Math.random() * SHARE);

/** A port on which nothing listens, another one each time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + next;
    next = (next + 1) % SHARE;
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
