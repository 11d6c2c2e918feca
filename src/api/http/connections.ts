import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What is to be done when a connection is gone; one listener for all, since a proxy's carries many requests. */
const farewells = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `farewell` when the connection is gone, at once where it is already.
 * @returns takes it back
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
 * Calls `over` once an answer is sent, or can't be any more. Of one that waits behind another answer of
 * its connection, Node says nothing when that connection is gone.
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
