import { readFileSync } from 'node:fs';
import { say } from '../support/connections';
import { eventually, soon } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Stack, testEnvironment } from '../support/stack';

const SOCKETS = 250;
const LISTS_EACH = 20;
/** As long as all these lists may take on a busy machine. */
const PATIENCE_MS = 150_000;
const MIB = 1024 * 1024;
/** Far less than 250 answers, and far more than a key may have held. */
const MOST_MIB = 600;

describe('clients of one project', () => {
  it('that read nothing cost little, delay no others, and are disconnected', async () => {
    const environment = testEnvironment({ POSTHORN_SEND_TIMEOUT_SECONDS: '10' });
    const stack = await Stack.start(environment, { worker: false });
    const [port, metricsPort] = await Promise.all([freePort(), freePort()]);
    const role = RoleProcess.start('api', {
      ...environment,
      PORT: String(port),
      METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
    });
    await role.takesRequests(port);
    const { client } = await stack.project();
    const other = await stack.project();
    const data = { note: 'x'.repeat(255 * 1024) };
    for (let n = 0; n < 5; n += 1) {
      expect((await client.post('/v1/events', { type: 'contact.created', data })).status).toBe(202);
    }
    const rssMib = (): number => {
      const status = readFileSync(`/proc/${role.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
    };
    const before = rssMib();
    let most = before;

    const key = `Authorization: Bearer ${client.key}`;
    const list = `GET /v1/events?limit=100&include=data HTTP/1.1\r\nHost: a\r\n${key}\r\n\r\n`;
    const others = { headers: { authorization: `Bearer ${other.client.key}` } };
    const sockets = await Promise.all(
      Array.from({ length: SOCKETS }, () => say(port, list.repeat(LISTS_EACH))),
    );
    const metrics = async (): Promise<string> => {
      most = Math.max(most, rssMib());
      return (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    };
    const isHeld = (text: string): boolean => !/^posthorn_http_held_bytes 0$/m.test(text);
    const othersAreAnswered = () =>
      // A machine that stands still for seconds may refuse them once.
      soon(async () => {
        const asked = await Promise.all([
          fetch(`http://127.0.0.1:${port}/readyz`),
          fetch(`http://127.0.0.1:${port}/v1/webhooks`, others),
        ]);
        expect(asked.map(({ status }) => status)).toEqual([200, 200]);
      });
    await Promise.all([
      // Between the first lists nothing is. It is not for long, and so looked at on its own.
      eventually('something is held', async () => isHeld(await metrics()), PATIENCE_MS),
      othersAreAnswered(),
    ]);
    await eventually(
      'all are answered, refused or cut off',
      async () => {
        await othersAreAnswered();
        return !isHeld(await metrics());
      },
      PATIENCE_MS,
    );
    expect(most - before).toBeLessThan(MOST_MIB);
    // Some had more than the system buffers, and did not get it.
    await eventually('some are cut off', () => {
      sockets.forEach((socket) => socket.resume());
      return sockets.some(({ destroyed }) => destroyed);
    });
    for (const { bytesRead } of sockets) expect(bytesRead).toBeLessThan(LISTS_EACH * MIB);
    sockets.forEach((socket) => socket.destroy());
    await role.end('SIGKILL');
    await stack.stop();
  }, 300_000);
});
