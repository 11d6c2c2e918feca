import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Has a server listen, until the file's tests have ended, and answers its address. */
export function useServers(): (server: Server) => Promise<string> {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });
  return async (server) => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
}
