import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Takes no connection: its thread stands still, and those that the system takes for it are few. */
const LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;
/** The backlog, and one more. */
const TAKEN = 2;

/** A port of 127.0.0.1 that can't be reached, as behind a firewall that drops packets: a connection to it hangs. */
export class FullListener {
  private constructor(
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {}

  static async start(): Promise<FullListener> {
    const thread = new Worker(LISTENER, { eval: true });
    const [port] = (await once(thread, 'message')) as [number];
    const taken = Array.from({ length: TAKEN }, () => connect(port, '127.0.0.1'));
    await Promise.all(taken.map((socket) => once(socket, 'connect')));
    return new FullListener(port, async () => {
      for (const socket of taken) socket.destroy();
      await thread.terminate();
    });
  }
}
