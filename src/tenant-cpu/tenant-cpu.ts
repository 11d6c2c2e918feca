import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Budget } from './budget';
import { Line } from './line';
import { Processes } from './processes';
import type { Input, Output, Tasks } from './tasks';

/**
 * How a task ended: `done`; not begun, because its project has used up its time or has too much waiting; or
 * `cut` off, because it took too long or too much memory.
 */
export type Outcome<T> =
  { end: 'done'; output: T } | { end: 'over'; waitMs: number } | { end: 'cut' };

/**
 * How long one task may take. Usual ones take a millisecond, the largest bodies a second on an idle machine.
 */
const TASK_LIMIT_MS = 10_000;
const MAX_PROCESSES = 4;
/** How much one project may have waiting. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const MAX_WAITING_TASKS = 2000;
/** How long a project with more than that has to wait. */
const CROWDED_WAIT_MS = 1000;

/** Beside the compiled source, in `dist`. */
const CHILD_FILE = path.join(__dirname, 'child.js');

interface Task {
  owner: string;
  bytes: number;
  name: keyof Tasks;
  input: unknown;
  resolve: (outcome: Outcome<unknown>) => void;
  reject: (error: unknown) => void;
}

/**
 * Spends tenants' CPU time in separate processes, off this one's event loop and heap. No project has more
 * than half of them, heavy projects leave one to the others, and each has a budget of CPU time. A process
 * that takes too long or too much memory is killed and replaced.
 */
export class TenantCpu {
  private readonly processes: Processes;
  private readonly budget: Budget;
  private readonly line = new Line<Task>();
  private readonly running = new Map<string, number>();
  private readonly count = Math.min(MAX_PROCESSES, Math.max(2, availableParallelism()));

  /**
   * @param secondsPerMinute CPU time that each project may use
   * @param file the compiled child.ts
   * @param taskLimitMs milliseconds after which a task is cut off
   */
  constructor(
    secondsPerMinute: number,
    file = CHILD_FILE,
    private readonly taskLimitMs = TASK_LIMIT_MS,
  ) {
    this.budget = new Budget(secondsPerMinute * 1000, () => performance.now());
    this.processes = new Processes(file);
  }

  /**
   * @param owner the project, or another owner of a budget
   * @param bytes of the input
   */
  run<N extends keyof Tasks>(
    owner: string,
    name: N,
    input: Input<N>,
    bytes: number,
  ): Promise<Outcome<Output<N>>> {
    const waitMs = this.budget.waitMs(owner);
    if (waitMs > 0) return Promise.resolve({ end: 'over', waitMs });
    const waiting = this.line.of(owner);
    if (waiting.tasks >= MAX_WAITING_TASKS || waiting.bytes + bytes > MAX_WAITING_BYTES) {
      return Promise.resolve({ end: 'over', waitMs: CROWDED_WAIT_MS });
    }
    return new Promise((resolve, reject) => {
      const done = resolve as (outcome: Outcome<unknown>) => void;
      this.line.add({ owner, bytes, name, input, resolve: done, reject });
      this.next();
    });
  }

  /** How long the owner has to wait until it may use more; 0: it may now. */
  waitMs(owner: string): number {
    return this.budget.waitMs(owner);
  }

  /** Does what is known to be cheap in this process, on the same budget: there may be any amount of it. */
  runHere<T>(owner: string, task: () => T): Outcome<T> {
    const waitMs = this.budget.waitMs(owner);
    if (waitMs > 0) return { end: 'over', waitMs };
    const beganAt = performance.now();
    const output = task();
    // While this process was stopped, it cost nothing.
    this.budget.spend(owner, Math.min(performance.now() - beganAt, this.taskLimitMs));
    return { end: 'done', output };
  }

  close(): void {
    this.processes.close();
  }

  private next(): void {
    for (;;) {
      const task = this.line.take((owner) => this.mayRun(owner));
      if (!task) return;
      void this.perform(task);
    }
  }

  private mayRun(owner: string): boolean {
    let busy = 0;
    let heavy = 0;
    for (const [other, tasks] of this.running) {
      busy += tasks;
      if (this.budget.isHeavy(other)) heavy += tasks;
    }
    const own = this.running.get(owner) ?? 0;
    const isKept = this.budget.isHeavy(owner) && heavy >= this.count - 1;
    return busy < this.count && own < Math.floor(this.count / 2) && !isKept;
  }

  private async perform({ owner, name, input, resolve, reject }: Task): Promise<void> {
    // The tasks before it may have used it up.
    const waitMs = this.budget.waitMs(owner);
    if (waitMs > 0) {
      resolve({ end: 'over', waitMs });
      return;
    }
    this.running.set(owner, (this.running.get(owner) ?? 0) + 1);
    try {
      const done = await this.processes.run({ name, input, limitMs: this.taskLimitMs });
      this.budget.spend(owner, done.tookMs);
      resolve('isCut' in done ? { end: 'cut' } : { end: 'done', output: done.output });
    } catch (error) {
      reject(error);
    } finally {
      const left = this.running.get(owner)! - 1;
      if (left > 0) this.running.set(owner, left);
      else this.running.delete(owner);
      this.next();
    }
  }
}
