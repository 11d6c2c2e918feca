import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

interface DriverConnection {
  readonly closed: boolean;
  readonly socket: Socket;
  cleanup: (this: DriverConnection, error: Error) => void;
}

/** mongoose's driver; of its connections it exports only the type. */
const { Connection } = createRequire(require.resolve('mongoose'))(
  'mongodb/lib/cmap/connection.js',
) as { Connection: { prototype: DriverConnection } };

const { cleanup } = Connection.prototype;

/**
 * When the driver (7.8) gives up a connection because its server no longer responds, it closes the socket
 * without an error. A command that is too large to be written at once, and still waits for the rest to be,
 * would wait forever, and keep its place in the pool; and so would one that took the connection before that and
 * writes afterwards: a closed socket never drains. With the error they fail like a command that waits for its
 * answer. Idempotent.
 */
export function repairDriver(): void {
  Connection.prototype.cleanup = function (error) {
    const { closed, socket } = this;
    if (!closed) socket.destroy(error);
    cleanup.call(this, error);
    if (closed) return;
    socket.write = () => {
      throw error;
    };
    // Closed by the other side, it has emitted no error.
    if (socket.listenerCount('drain') > 0) socket.emit('error', error);
  };
}
