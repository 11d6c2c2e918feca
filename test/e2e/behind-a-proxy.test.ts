import { once } from 'node:events';
import type { Socket } from 'node:net';
import { ApiClient } from '../support/api-client';
import { say } from '../support/connections';
import { makeWebhook } from '../support/deliveries';
import { EventStream } from '../support/event-stream';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { emailSent } from '../support/samples';
import { testEnvironment } from '../support/stack';
import { useFreshReceiver, useStack } from '../support/use';

const ASKED = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';

/** What the server says on a connection from now on. */
function heard(socket: Socket): () => string {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  return () => text;
}

describe('an API behind a proxy', () => {
  const environment = testEnvironment();
  const stack = useStack(environment, { worker: false });
  const receiver = useFreshReceiver();
  const started: RoleProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((role) => role.end('SIGKILL')));
  });

  const start = async (
    name: 'api' | 'all',
    settings: Record<string, string>,
  ): Promise<{ role: RoleProcess; port: number; metricsPort: number }> => {
    const [port, metricsPort] = await Promise.all([freePort(), freePort()]);
    const role = RoleProcess.start(name, {
      ...environment,
      PORT: String(port),
      METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
      ...settings,
    });
    started.push(role);
    await role.takesRequests(port);
    return { role, port, metricsPort };
  };

  const follow = async (port: number): Promise<EventStream> => {
    const { client } = await stack.project();
    const authorization = `Bearer ${client.key}`;
    const stream = await EventStream.open(`http://127.0.0.1:${port}`, { authorization });
    await stream.next('ready');
    return stream;
  };

  it('keeps an idle connection for as long as is set, and then closes it', async () => {
    const { port } = await start('api', { API_KEEP_ALIVE_SECONDS: '1' });
    const socket = await say(port, ASKED);
    const answer = heard(socket);
    await once(socket, 'close');
    expect(answer()).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer()).toMatch(/^Keep-Alive: timeout=1\r$/m);
  });

  it.each(['api', 'all'] as const)(
    'as %s is not ready from SIGTERM on, and refuses no request until the delay is over',
    async (name) => {
      const { role, port, metricsPort } = await start(name, {
        API_SHUTDOWN_DELAY_SECONDS: '300',
        API_KEEP_ALIVE_SECONDS: '3600',
      });
      const { client: own } = await stack.project();
      await makeWebhook(own, receiver.url);
      const client = new ApiClient(`http://127.0.0.1:${port}`, own.key);
      const stream = await follow(port);
      const kept = await say(port, ASKED);
      const answers = heard(kept);
      await eventually('it is answered', () => answers().includes('"ok"'));

      role.signal('SIGTERM');
      await role.logged('draining');
      for (const at of [port, metricsPort]) {
        const readyz = await fetch(`http://127.0.0.1:${at}/readyz`);
        expect([readyz.status, await readyz.text()]).toEqual([
          503,
          expect.stringContaining('draining'),
        ]);
      }
      kept.write(ASKED);
      if (!kept.destroyed) await once(kept, 'close');
      const [first, second] = answers().split(/(?<=\})(?=HTTP)/);
      expect(first).toMatch(/^Connection: keep-alive\r$/m);
      expect(second).toMatch(/^HTTP\/1\.1 200 [^]*^Connection: close\r$/m);
      const event = { type: 'email.sent', data: emailSent };
      expect((await client.post('/v1/events', event)).status).toBe(202);
      if (name === 'all') await receiver.waitFor(1);
      expect(stream.isOver).toBe(false);
      stream.close();
    },
  );

  it.each(['api', 'all'] as const)('as %s ends once the delay is over', async (name) => {
    const { role, port } = await start(name, { API_SHUTDOWN_DELAY_SECONDS: '1' });
    const stream = await follow(port);
    const kept = await say(port, ASKED);
    await role.drains();
    kept.resume();
    if (!kept.destroyed) await once(kept, 'close');
    await eventually('all of the stream is read', () => stream.isOver);
    expect(stream.events.at(-1)).toMatchObject({ event: 'end', data: { reason: 'restart' } });
  });
});
