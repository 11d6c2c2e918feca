import { once } from 'node:events';
import { say } from '../support/connections';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { testEnvironment } from '../support/stack';
import { useStack } from '../support/use';

describe('an API behind a proxy', () => {
  const environment = testEnvironment();
  useStack(environment, { worker: false });
  const started: RoleProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((role) => role.end('SIGKILL')));
  });

  const start = async (
    role: 'api' | 'all',
    settings: Record<string, string>,
  ): Promise<{ role: RoleProcess; port: number }> => {
    const port = await freePort();
    const process = RoleProcess.start(role, { ...environment, PORT: String(port), ...settings });
    started.push(process);
    await process.takesRequests(port);
    return { role: process, port };
  };

  it('keeps an idle connection for as long as is set, and then closes it', async () => {
    const ask = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
    const { port } = await start('api', { API_KEEP_ALIVE_SECONDS: '1' });
    const socket = await say(port, ask);
    let answer = '';
    socket.on('data', (part: Buffer) => (answer += part.toString()));
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^Keep-Alive: timeout=1\r$/m);
  });
});
