import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface ConnectProxyOptions {
  /** Makes it an https proxy. */
  tls?: ServerOptions;
  /** What it answers to CONNECT instead of connecting; null: it connects. */
  refuse?: (target: string) => number | null | Promise<number>;
  /** The status with which it opens a tunnel; default: 200. */
  opensWith?: number;
}

/** A real HTTP proxy on 127.0.0.1 that makes tunnels, and remembers what it was asked for. */
export class ConnectProxy {
  /** `host:port` of each CONNECT, oldest first. */
  readonly targets: string[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly scheme: 'http' | 'https',
  ) {}

  static async start({
    tls,
    refuse = () => null,
    opensWith = 200,
  }: ConnectProxyOptions = {}): Promise<ConnectProxy> {
    const server = tls ? createHttpsServer(tls) : createServer();
    const proxy = new ConnectProxy(server, tls ? 'https' : 'http');
    server.on('connect', ({ url, headers }, client: Socket, head: Buffer) => {
      proxy.targets.push(url!);
      proxy.headers.push(headers);
      proxy.track(client);
      // By itself it would not notice that the client, which sends nothing before the answer, leaves.
      client.resume().once('end', () => client.end());
      const answer = async (): Promise<void> => {
        const status = await refuse(url!);
        if (status === null) proxy.connect(url!, client, head, opensWith);
        else client.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      };
      void answer();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.sockets.forEach((socket) => socket.destroy());
    this.server.closeAllConnections();
    await closed;
  }

  private connect(target: string, client: Socket, head: Buffer, status: number): void {
    const { hostname, port } = new URL(`tcp://${target}`);
    const upstream = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      client.write(`HTTP/1.1 ${status} Connection established\r\n\r\n`);
      upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    this.track(upstream);
    upstream.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }
}
