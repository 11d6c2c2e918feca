import { EventEmitter, on } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../support/free-port';

/** A proxy between Posthorn and a server of the test run, so that a test can make the server unavailable. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private readonly pieces = new EventEmitter();

  private constructor(
    target: URL,
    private readonly port: number,
  ) {
    this.server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      const freeze = (): void => {
        for (const socket of [client, upstream]) socket.unpipe().pause();
      };
      upstream.on('data', (piece: Buffer) => this.pieces.emit('piece', piece, freeze));
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  /** @param address `host:port` */
  static async start(address: string): Promise<TcpProxy> {
    // Not given to others while it is cut.
    const proxy = new TcpProxy(new URL(`tcp://${address}`), await freePort());
    await proxy.restore();
    return proxy;
  }

  /** `host:port` to be used instead of the server's own; the same after each `restore`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends all connections and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /**
   * Waits until the server sends that.
   * @returns what lets nothing more through its connection, which stays open, as when the server is frozen
   */
  async sends(text: string): Promise<() => void> {
    for await (const [piece, freeze] of on(this.pieces, 'piece') as AsyncIterable<
      [Buffer, () => void]
    >) {
      if (piece.includes(text)) return freeze;
    }
    throw new Error('the proxy has ended');
  }

  async restore(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    if (this.server.listening) await this.cut();
  }
}
