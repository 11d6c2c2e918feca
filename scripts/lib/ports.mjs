import { connect, createServer } from 'node:net';

const host = '127.0.0.1';
const handedOut = new Set();

/** The preferred port if it is free on loopback, else any free one; never the same one twice. */
export async function freePort(preferred) {
  if (preferred && !handedOut.has(preferred) && (await canListen(preferred))) {
    handedOut.add(preferred);
    return preferred;
  }
  for (;;) {
    const port = await canListen(0);
    if (port && !handedOut.has(port)) {
      handedOut.add(port);
      return port;
    }
  }
}

/** The port if it can be listened on (0 = any), else undefined. */
function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const bound = server.address().port;
      server.close(() => resolve(bound));
    });
  });
}

export function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
