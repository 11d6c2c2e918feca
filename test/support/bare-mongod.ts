import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mongo } from 'mongoose';
import { eventually } from './eventually';
import { freePort } from './free-port';

const SCRIPT = path.resolve(__dirname, 'run-bare-mongod.mjs');

/** A mongod as a newcomer may have started it: standalone, without initiation, with users, with TLS. */
export class BareMongod {
  private constructor(
    private readonly dataDir: string,
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly pid: number,
  ) {}

  /** @param args of mongod, besides its port and its data */
  static async start(...args: string[]): Promise<BareMongod> {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'posthorn-mongod-'));
    const port = await freePort();
    const child = fork(SCRIPT, [dataDir, String(port), ...args], { execArgv: [] });
    const ended = once(child, 'exit').then(() => {
      throw new Error('mongod did not start');
    });
    const started = once(child, 'message') as Promise<[{ pid: number }]>;
    const [{ pid }] = await Promise.race([started, ended]);
    return new BareMongod(dataDir, port, child, pid);
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** @param options such as `?replicaSet=rs0` */
  url(options = '', login = ''): string {
    return `mongodb://${login}${this.host}/posthorn${options}`;
  }

  /** @param login such as `root:password@` */
  async admin(command: Record<string, unknown>, login = ''): Promise<Record<string, unknown>> {
    const client = new mongo.MongoClient(`mongodb://${login}${this.host}/?directConnection=true`);
    try {
      return await client.db('admin').command(command);
    } finally {
      await client.close();
    }
  }

  /**
   * Makes it the primary of a replica set of its own, or with these.
   * @param others settings of its other members
   */
  async initiate(name = 'rs0', others: readonly Record<string, unknown>[] = []): Promise<void> {
    const members = [{ host: this.host }, ...others].map((member, _id) => ({ _id, ...member }));
    await this.admin({ replSetInitiate: { _id: name, members } });
    await eventually(
      'it is primary',
      async () => (await this.admin({ hello: 1 })).isWritablePrimary === true,
    );
  }

  /** Its connections stay open, and nothing on them is answered. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.send('stop');
      await ended;
    }
    rmSync(this.dataDir, { recursive: true });
  }
}
