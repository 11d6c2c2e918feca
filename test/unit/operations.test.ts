import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { operationsListener, workersReadyz } from '../../src/operations';

describe('what METRICS_ADDRESS serves', () => {
  let idle: () => Promise<string | null>;
  let server: Server;
  beforeEach(async () => {
    idle = () => Promise.resolve(null);
    const listener = operationsListener(workersReadyz(() => idle()));
    server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });
  const ask = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method });

  it.each(['/metrics', '/healthz', '/readyz'])(
    'is there for HEAD too, with a slash at its end, and with a query: %s',
    async (path) => {
      for (const asked of [path, `${path}/`, `${path}?x=1`, `${path}/?x=/a`]) {
        expect([asked, (await ask(asked)).status]).toEqual([asked, 200]);
        const head = await ask(asked, 'HEAD');
        expect([head.status, await head.text()]).toEqual([200, '']);
      }
      expect((await ask(path, 'POST')).status).toBe(404);
      expect((await ask(`${path}/x`)).status).toBe(404);
    },
  );

  it('says why a process does not work, and survives where that is not known', async () => {
    idle = () => Promise.resolve('MongoDB fails');
    const answer = await ask('/readyz');
    expect([answer.status, await answer.text()]).toEqual([503, 'MongoDB fails\n']);
    idle = () => Promise.reject(new Error('a bug'));
    expect((await ask('/readyz')).status).toBe(500);
    expect((await ask('/healthz')).status).toBe(200);
  });
});
