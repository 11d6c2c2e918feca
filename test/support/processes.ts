import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { FIRST_REMINDER_MS } from '../../src/trouble';
import { eventually } from './eventually';

/** Its log says more than a test that has timed out. */
const PATIENCE_MS = 120_000;
const MAIN = path.resolve(__dirname, '../../dist/src/main.js');
const DIE_AT = path.resolve(__dirname, 'die-at.mjs');
const MONGODB_FAILED = 'MongoDB fails: ';
const SHIFT_CLOCK = path.resolve(__dirname, 'shift-clock.mjs');

/** A role of the built `main.js` as a process of its own, so that it can be killed. */
export class RoleProcess {
  private output = '';
  /** Its exit code and signal, once it has ended and all that it wrote has been read. */
  private readonly closed: Promise<[number | null, NodeJS.Signals | null]>;

  private constructor(private readonly child: ChildProcess) {
    this.closed = once(child, 'close') as typeof this.closed;
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /**
   * @param environment from `testEnvironment`; with `CLOCK_AHEAD_MS` its clock is wrong (shift-clock.mjs)
   * @param dieAt where it kills itself with -9 (see die-at.mjs); null: where `dieAt()` says later
   * @param stdout a file descriptor that its log goes to, instead of to `log()`
   */
  static start(
    role: string,
    environment: Record<string, string>,
    dieAt?: string | null,
    logLevel = 'info',
    stdout: 'pipe' | number = 'pipe',
  ): RoleProcess {
    const preload = [
      ...(dieAt === undefined ? [] : ['--import', DIE_AT]),
      ...('CLOCK_AHEAD_MS' in environment ? ['--import', SHIFT_CLOCK] : []),
    ];
    return new RoleProcess(
      spawn(process.execPath, [...preload, MAIN, role], {
        env: {
          PATH: process.env.PATH,
          ...environment,
          LOG_LEVEL: logLevel,
          ...(typeof dieAt === 'string' && { DIE_AT: dieAt }),
        },
        stdio: ['ignore', stdout, 'pipe', ...(dieAt === null ? (['ipc'] as const) : [])],
      }),
    );
  }

  /** Runs a role to its end; again if MongoDB failed it, as its message tells an operator to do. */
  static run(
    role: 'setup' | 'rotate-key',
    environment: Record<string, string>,
    logLevel?: string,
    dieAt?: string,
  ): Promise<RoleProcess> {
    return eventually(`MongoDB does not fail ${role}`, async () => {
      const one = RoleProcess.start(role, environment, dieAt, logLevel);
      await one.exited();
      return !one.log().includes(MONGODB_FAILED) && one;
    });
  }

  /** The same until it is there, or has ended before. @param stopAt where it stops itself */
  static runUntil(
    isThere: (one: RoleProcess) => boolean | Promise<boolean>,
    role: 'setup' | 'rotate-key',
    environment: Record<string, string>,
    stopAt?: string,
  ): Promise<RoleProcess> {
    return eventually(`MongoDB does not fail ${role}`, async () => {
      const one = RoleProcess.start(role, environment, stopAt);
      let hasEnded = false;
      void one.closed.then(() => (hasEnded = true));
      const isOver = async (): Promise<boolean> => (await isThere(one)) || hasEnded;
      await eventually(`${role} is there`, isOver, PATIENCE_MS);
      return !one.log().includes(MONGODB_FAILED) && one;
    });
  }

  /** Resolves when the process has written that to its log. */
  logged(text: string | RegExp): Promise<void> {
    return this.inTime(`has not logged ${text}`, this.untilLogged(text));
  }

  private async untilLogged(text: string | RegExp): Promise<void> {
    const isLogged = (): boolean =>
      typeof text === 'string' ? this.output.includes(text) : text.test(this.output);
    const ended = this.closed.then(() => true);
    let hasEnded = false;
    while (!isLogged()) {
      if (hasEnded) this.failEarly();
      hasEnded = await Promise.race([once(this.child.stdout!, 'data').then(() => false), ended]);
    }
  }

  /**
   * Resolves when it serves as an API: it listens after its first look at MongoDB, which may fail on a busy machine, and
   * refuses everything until one has succeeded.
   */
  async takesRequests(port: number): Promise<void> {
    await this.logged('API listens');
    await eventually('it takes requests', async () => {
      // Without a key, for which a store would be asked: a process may be made to die there.
      const response = await fetch(`http://127.0.0.1:${port}/v1/webhooks`);
      await response.text();
      return response.status === 401;
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  log(): string {
    return this.output;
  }

  /** What of its log has that pattern and was said twice in a row, except as a reminder of what lasts. */
  repeated(pattern: RegExp): string[] {
    const said = this.output.split('\n').flatMap((line) => {
      const [text] = pattern.exec(line) ?? [];
      const [, time] = /"time":"([^"]+)/.exec(line) ?? [];
      return text === undefined ? [] : [{ text, timeMs: Date.parse(time!) }];
    });
    return said
      .filter(({ text, timeMs }, at) => {
        const former = said[at - 1];
        return former?.text === text && timeMs - former.timeMs < FIRST_REMINDER_MS;
      })
      .map(({ text }) => text);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGUSR2'): void {
    this.child.kill(signal);
  }

  /** Whether SIGSTOP has stopped it. */
  isStopped(): boolean {
    const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(this.pid)]);
    return stdout.toString().startsWith('T');
  }

  /** Makes it kill itself at that point from now on (see die-at.mjs). */
  async dieAt(point: string): Promise<void> {
    const isTold = once(this.child, 'message');
    this.child.send(point);
    await Promise.race([isTold, this.closed.then(() => this.failEarly())]);
  }

  /** Waits for it to exit. @returns the exit code */
  async exited(): Promise<number | null> {
    return (await this.closed)[0];
  }

  /** Resolves when SIGKILL has ended it. */
  async killed(): Promise<void> {
    const [, signal] = await this.inTime('was not killed', this.closed);
    if (signal !== 'SIGKILL') throw new Error(`was not killed:\n${this.output}`);
  }

  /** Ends it as an operator does, without an error. */
  async drains(): Promise<void> {
    const code = await this.end('SIGTERM');
    if (code !== 0) throw new Error(`ended with ${code}:\n${this.output}`);
  }

  /** @returns the exit code; null after SIGKILL */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal);
    return (await this.closed)[0];
  }

  private async inTime<T>(what: string, awaited: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`${what} within ${PATIENCE_MS} ms:\n${this.output}`));
      }, PATIENCE_MS);
    });
    return Promise.race([awaited, late]).finally(() => clearTimeout(timer));
  }

  private failEarly(): never {
    throw new Error(`ended early:\n${this.output}`);
  }
}
