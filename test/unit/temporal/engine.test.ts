import { createServer, type AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { Engine } from '../../../src/temporal/engine';

describe('an engine', () => {
  it('is closed only when its calls have ended, which gRPC would try again', async () => {
    // Nobody listens there any more: each try fails at once.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
    const engine = new Engine(new Client({ connection }), 500);
    let ended = false;
    const pinged = engine.ping().catch((error: Error) => {
      ended = true;
      return error;
    });
    await engine.close();
    expect(ended).toBe(true);
    expect(await pinged).toBeInstanceOf(Error);
  });
});
