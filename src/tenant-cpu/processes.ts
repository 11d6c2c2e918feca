import { fork, type ChildProcess } from 'node:child_process';
import type { Job, Said } from './tasks';

/** Megabytes of a process's heap: several times what the largest body needs. */
const HEAP_MB = 512;
/** In so many parts a time limit is counted: while this process is stopped, no more than one of them passes. */
const TICKS = 10;

/** A job's result, and the CPU time that it took; null: it was cut off, and its process killed. */
type Done = { output: unknown; tookMs: number } | { output: null; tookMs: number; isCut: true };

/**
 * Processes that do one job at a time each. They start when there is work, and one that takes too long or too
 * much memory is killed. With threads, V8 might abort the whole process instead (docs/adr/0026).
 */
export class Processes {
  private readonly idle: ChildProcess[] = [];
  private readonly all = new Set<ChildProcess>();
  private isClosed = false;

  /** @param file the compiled child.ts */
  constructor(private readonly file: string) {}

  /** Repeated once where somebody else, such as the kernel, killed its process. */
  async run(job: Job, isRepeated = false): Promise<Done> {
    const child = this.idle.pop() ?? (await this.start());
    child.ref();
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      let ticks = 0;
      let killing: NodeJS.Immediate | undefined;
      let isCut = false;
      const cut = (): void => {
        isCut = true;
        child.kill('SIGKILL');
      };
      const limit = setInterval(() => {
        ticks += 1;
        // After what it has already answered is read.
        if (ticks === TICKS) killing = setImmediate(cut);
      }, job.limitMs / TICKS);
      const stopLimit = (): void => {
        clearInterval(limit);
        clearImmediate(killing);
      };
      const onExit = (_code: number | null, signal: NodeJS.Signals | null): void => {
        stopLimit();
        const tookMs = Math.min(performance.now() - startedAt, job.limitMs);
        const byOthers = signal === 'SIGKILL' && !isCut && !this.isClosed;
        if (byOthers && !isRepeated) {
          const again = this.run(job, true);
          resolve(again.then((done) => ({ ...done, tookMs: done.tookMs + tookMs })));
        } else {
          resolve({ output: null, tookMs, isCut: true });
        }
      };
      child.once('exit', onExit);
      child.once('message', (said: Exclude<Said, 'ready'>) => {
        stopLimit();
        child.off('exit', onExit);
        this.release(child);
        if ('failed' in said) reject(new Error(`a tenant's work failed: ${said.failed}`));
        else resolve(said);
      });
      child.send(job, (error) => {
        // It has just ended, which `exit` reports.
        if (error) child.kill('SIGKILL');
      });
    });
  }

  close(): void {
    this.isClosed = true;
    for (const child of this.all) child.kill('SIGKILL');
  }

  private async start(): Promise<ChildProcess> {
    const child = fork(this.file, {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.all.add(child);
    child.on('error', () => child.kill('SIGKILL'));
    child.once('exit', () => {
      this.all.delete(child);
      const at = this.idle.indexOf(child);
      if (at >= 0) this.idle.splice(at, 1);
    });
    await new Promise<void>((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`a process for tenants' work did not start: it ended with ${code}`));
      child.once('exit', onExit);
      child.once('error', reject);
      child.once('message', () => {
        child.off('exit', onExit);
        child.off('error', reject);
        resolve();
      });
    });
    return child;
  }

  private release(child: ChildProcess): void {
    if (this.isClosed || child.killed || !child.connected) return;
    // An idle process must not keep this one running.
    child.unref();
    child.channel?.unref();
    this.idle.push(child);
  }
}
