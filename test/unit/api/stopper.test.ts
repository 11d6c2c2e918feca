import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stopper } from '../../../src/api/http/server';
import { say } from '../../support/connections';

describe('a server that stops', () => {
  it.each(['1.0', '1.1'])('breaks off what is not answered in time: HTTP/%s', async (version) => {
    const stopping = new AbortController();
    const server = createServer((_req, res) => res.write('half'));
    const stop = stopper(server, stopping.signal);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = await say(port, `GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
    const isReset = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'data');
    stopping.abort();
    await stop({ requestMs: 0, answerMs: 0 });
    expect(await isReset).toBe(true);
  });
});
