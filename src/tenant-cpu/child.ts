import vm from 'node:vm';
import { tasks, type Job, type Said } from './tasks';

/*
 * A process for tenants' work, one job after the other. Its parent kills it if a job takes too long; it exits
 * when its parent is gone.
 */

const parent = process.ppid;
const say = (said: Said): void => void process.send!(said);

const sandbox: { work: () => unknown } = { work: () => undefined };
const context = vm.createContext(sandbox);
const script = new vm.Script('work()');

/** Ends if its parent is dead, which would have ended it in half that time. Otherwise both may have been stopped. */
function within(limitMs: number, work: () => unknown): unknown {
  sandbox.work = work;
  for (;;) {
    try {
      return script.runInContext(context, { timeout: 2 * limitMs });
    } catch (error) {
      const isOver = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
      if (!isOver || process.ppid !== parent) throw error;
    }
  }
}

process.on('message', ({ name, input, limitMs }: Job) => {
  const before = process.cpuUsage();
  try {
    const task = tasks[name] as (of: unknown) => unknown;
    const output = within(limitMs, () => task(input));
    const { user, system } = process.cpuUsage(before);
    say({ output, tookMs: (user + system) / 1000 });
  } catch (error) {
    say({ failed: (error as Error).stack ?? String(error) });
  }
});
process.on('disconnect', () => process.exit());
// Signals are for the parent, which needs this process until it has drained.
process.on('SIGTERM', () => {});
process.on('SIGINT', () => {});
say('ready');
