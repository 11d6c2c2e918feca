import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { testEnvironment } from '../support/stack';
import { useReceiver, useStack } from '../support/use';

const DROPPED = 'lines of this log were dropped';

/** A real pipe; Node's own are sockets. */
class Pipe {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'posthorn-log-'));
  private readonly name = path.join(this.folder, 'pipe');
  private readonly readEnd: number;
  readonly writeEnd: number;

  constructor() {
    expect(spawnSync('mkfifo', [this.name]).status).toBe(0);
    // eslint-disable-next-line no-bitwise -- flags
    this.readEnd = openSync(this.name, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writeEnd = openSync(this.name, constants.O_WRONLY);
  }

  read(): string {
    const chunk = Buffer.alloc(64 * 1024);
    let text = '';
    for (;;) {
      try {
        const length = readSync(this.readEnd, chunk);
        if (length === 0) return text;
        text += chunk.toString('utf8', 0, length);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return text;
        throw error;
      }
    }
  }

  closeReader(): void {
    closeSync(this.readEnd);
  }

  close(): void {
    closeSync(this.writeEnd);
    rmSync(this.folder, { recursive: true });
  }
}

describe('a log that can not be written', () => {
  const environment = testEnvironment();
  const stack = useStack(environment, { worker: false });
  const receiver = useReceiver();
  const started: RoleProcess[] = [];

  afterEach(() => Promise.all(started.splice(0).map((role) => role.end('SIGKILL'))));

  const start = async (stdout: number) => {
    const [port, metricsPort] = await Promise.all([freePort(), freePort()]);
    const settings = {
      ...environment,
      PORT: String(port),
      METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
    };
    const all = RoleProcess.start('all', settings, undefined, 'info', stdout);
    started.push(all);
    const api = `http://127.0.0.1:${port}`;
    await eventually(
      'it is ready',
      async () => (await fetch(`${api}/readyz`).catch(() => null))?.ok,
    );
    const dropped = async (): Promise<number> => {
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return Number(/^posthorn_log_lines_dropped_total (\d+)$/m.exec(metrics)![1]);
    };
    /** Each is logged, with its path. */
    const fillLog = async (): Promise<void> => {
      for (let n = 0; n < 10; n += 1) {
        const asked = Array.from({ length: 20 }, () => fetch(`${api}/${'x'.repeat(200)}`));
        for (const { status } of await Promise.all(asked)) expect(status).toBe(404);
      }
    };
    const delivers = async (): Promise<void> => {
      const { client } = await stack.project();
      await makeWebhook(client, receiver.url);
      await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
    };
    return { all, dropped, fillLog, delivers };
  };

  it('on a full disk, stops neither deliveries nor the API nor the exit', async () => {
    const full = openSync('/dev/full', 'w');
    try {
      const { all, dropped, fillLog, delivers } = await start(full);
      await fillLog();
      await delivers();
      await eventually('all are counted', async () => (await dropped()) > 200);
      await all.drains();
      expect(all.log()).toBe('');
    } finally {
      closeSync(full);
    }
  });

  it('whose pipe was closed, stops neither deliveries nor the API nor the exit', async () => {
    const pipe = new Pipe();
    try {
      const { all, dropped, fillLog, delivers } = await start(pipe.writeEnd);
      expect(await dropped()).toBe(0);
      pipe.closeReader();
      await fillLog();
      await delivers();
      await eventually('all are counted', async () => (await dropped()) >= 200);
      await all.drains();
      expect(all.log()).toBe('');
    } finally {
      pipe.close();
    }
  });

  it('whose reader has stopped, stops nothing, and says once how much is missing', async () => {
    const pipe = new Pipe();
    try {
      const { all, dropped, fillLog, delivers } = await start(pipe.writeEnd);
      await eventually('the log is full', async () => {
        await fillLog();
        return (await dropped()) > 0;
      });
      await delivers();
      const missing = await dropped();

      let log = '';
      await eventually('the reader has caught up', () => {
        log += pipe.read();
        return log.includes(DROPPED);
      });
      await delivers();
      log += pipe.read();
      // The last one may be half written.
      const lines = log
        .slice(0, log.lastIndexOf('\n'))
        .split('\n')
        .map((line) => JSON.parse(line) as { lines?: number; msg: string });
      const told = lines.filter(({ msg }) => msg.startsWith(DROPPED));
      expect(told).toMatchObject([{ level: 'error', role: 'all' }]);
      expect(told[0]!.lines).toBeGreaterThanOrEqual(missing);

      // And stops again, permanently.
      await fillLog();
      await all.drains();
      pipe.closeReader();
    } finally {
      pipe.close();
    }
  });
});
