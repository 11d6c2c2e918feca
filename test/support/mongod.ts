import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mongo } from 'mongoose';
import { eventually } from './eventually';
import { freePort } from './free-port';

const SCRIPT = path.resolve(__dirname, 'run-mongod.mjs');

/** A MongoDB of a test's own, a replica set of one, that can hang, die and step down. */
export class Mongod {
  private readonly dataDir = mkdtempSync(path.join(tmpdir(), 'posthorn-mongod-'));
  private child!: ChildProcess;
  private pid!: number;

  private constructor(private readonly port: number) {}

  static async start(): Promise<Mongod> {
    const mongod = new Mongod(await freePort());
    await mongod.restart();
    return mongod;
  }

  /** With a database of its own for each caller; as production names a replica set. */
  freshUrl(): string {
    return `mongodb://127.0.0.1:${this.port}/test-${randomUUID()}?replicaSet=rs0`;
  }

  /** Its connections stay open, and nothing on them is answered. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** kill -9 */
  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    process.kill(this.pid, 'SIGKILL');
    await ended;
  }

  /** At the same address, on the same data. Resolves when it takes writes. */
  async restart(): Promise<void> {
    this.child = fork(SCRIPT, [this.dataDir, String(this.port)], { execArgv: [] });
    const ended = once(this.child, 'exit').then(() => {
      throw new Error('mongod did not start');
    });
    const started = once(this.child, 'message') as Promise<[{ pid: number }]>;
    [{ pid: this.pid }] = await Promise.race([started, ended]);
  }

  /** Resolves when it is no longer primary. No other member can be elected, so it will be primary again. */
  async stepDown(): Promise<void> {
    await this.admin((admin) => admin.command({ replSetStepDown: 3, force: true }));
  }

  async untilPrimary(): Promise<void> {
    await this.admin((admin) =>
      eventually(
        'it is a primary again',
        async () => (await admin.command({ hello: 1 })).isWritablePrimary as boolean,
      ),
    );
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      this.thaw();
      const ended = once(this.child, 'exit');
      this.child.send('stop');
      await ended;
    }
    rmSync(this.dataDir, { recursive: true });
  }

  private async admin<T>(ask: (admin: mongo.Db) => Promise<T>): Promise<T> {
    const client = new mongo.MongoClient(`mongodb://127.0.0.1:${this.port}/?directConnection=true`);
    try {
      return await ask(client.db('admin'));
    } finally {
      await client.close();
    }
  }
}
