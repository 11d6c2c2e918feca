import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

interface DriverConnection {
  readonly closed: boolean;
  readonly socket: Socket;
  cleanup: (this: DriverConnection, error: Error) => void;
}

/** The driver that mongoose has; of its connections it exports the type only. */
const { Connection } = createRequire(require.resolve('mongoose'))(
  'mongodb/lib/cmap/connection.js',
) as { Connection: { prototype: DriverConnection } };

const { cleanup } = Connection.prototype;

/**
 * A connection that the driver (7.8) gives up, because its server answers nothing any more, closes its
 * socket without an error. A command that is too large to be taken by the socket at once, and still
 * waits for the rest to be, would wait for ever, and keep its place in the pool. With the error it fails
 * as a command does whose answer is awaited. Idempotent.
 */
export function repairDriver(): void {
  Connection.prototype.cleanup = function (error) {
    if (!this.closed) this.socket.destroy(error);
    cleanup.call(this, error);
  };
}
