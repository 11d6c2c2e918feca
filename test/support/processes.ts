import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const MAIN = path.resolve(__dirname, '../../dist/src/main.js');

/** A role of the built `main.js` as a process of its own, so that it can be killed. */
export class RoleProcess {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** @param environment from `testEnvironment` */
  static start(role: string, environment: Record<string, string>): RoleProcess {
    return new RoleProcess(
      spawn(process.execPath, [MAIN, role], {
        env: { PATH: process.env.PATH, ...environment, LOG_LEVEL: 'info' },
        stdio: ['ignore', 'pipe', 'pipe'],
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

  log(): string {
    return this.output;
  }

  /** Waits for it to end by itself. @returns the exit code */
  async exited(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  /** @returns the exit code; null after SIGKILL */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    return (await exited)[0];
  }
}
