import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * What to do when a connection is gone; one listener for all, since a proxy's connection carries many
 * requests.
 */
const farewells = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `farewell` when the connection is gone, at once if it is already.
 * @returns a function that cancels it
 */
export function onceGone(socket: Socket, farewell: () => void): () => void {
  if (socket.destroyed) {
    farewell();
    return () => {};
  }
  const known = farewells.get(socket);
  const all = known ?? new Set();
  if (!known) {
    farewells.set(socket, all);
    socket.once('close', () => all.forEach((one) => one()));
  }
  all.add(farewell);
  return () => void all.delete(farewell);
}

/**
 * Calls `over` once an answer is sent, or no longer can be. For one that waits behind another answer on its
 * connection, Node reports nothing when the connection is gone.
 */
export function onceOver(res: ServerResponse, over: () => void): void {
  let takeBack = (): void => {};
  const end = (): void => {
    takeBack();
    res.off('close', end);
    over();
  };
  res.once('close', end);
  takeBack = onceGone(res.req.socket, end);
}
