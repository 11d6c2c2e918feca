import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Connections to a server that say nothing, or stop in the middle of what they say. */
export async function silentConnections(port: number): Promise<Socket[]> {
  const head = 'POST /v1/events HTTP/1.1\r\nHost: a\r\n';
  const body = 'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"type":';
  return Promise.all(['', head, `${head}${body}`].map((text) => say(port, text)));
}

/** Writes and collects until the server closes the connection. */
export async function converse(port: number, write: (socket: Socket) => void): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  write(socket);
  // Not `once`, which rejects on an error: the server may reset a connection that is written to.
  if (!socket.destroyed) await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}

/** A connection on which that much was said. */
export async function say(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
  socket.unref();
  return socket;
}
