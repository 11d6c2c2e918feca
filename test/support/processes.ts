import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const MAIN = path.resolve(__dirname, '../../dist/src/main.js');
const DIE_AT = path.resolve(__dirname, 'die-at.mjs');
const SHIFT_CLOCK = path.resolve(__dirname, 'shift-clock.mjs');

/** A role of the built `main.js` as a process of its own, so that it can be killed. */
export class RoleProcess {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /**
   * @param environment from `testEnvironment`; with `CLOCK_AHEAD_MS` its clock is wrong (shift-clock.mjs)
   * @param dieAt where it kills itself with -9 (see die-at.mjs)
   * @param stdout a file descriptor that its log goes to, instead of to `log()`
   */
  static start(
    role: string,
    environment: Record<string, string>,
    dieAt?: string,
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
          ...(dieAt !== undefined && { DIE_AT: dieAt }),
        },
        stdio: ['ignore', stdout, 'pipe'],
      }),
    );
  }

  /** Resolves when the process has written `text` to its log. */
  async logged(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`ended early:\n${this.output}`);
      await once(this.child.stdout!, 'data');
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  log(): string {
    return this.output;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void {
    this.child.kill(signal);
  }

  /** Waits for it to exit. @returns the exit code */
  async exited(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  /** Resolves when SIGKILL has ended it. */
  async killed(): Promise<void> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (child.signalCode !== 'SIGKILL') throw new Error(`was not killed:\n${this.output}`);
  }

  /** @returns the exit code; null after SIGKILL */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    return (await exited)[0];
  }
}
