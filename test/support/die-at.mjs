/**
 * Preloaded into a role's process (`node --import`), it makes the process kill itself with -9 at one exact
 * point: before, or after, the nth call of a method or a function of the built code. `DIE_AT`, or later a
 * message, says which: `store/events Events.insert before`, `temporal/engine Engine.startFanOut before 2`, or
 * `store/expunge expungeEvent after`. Calls before the message don't count. With `SIGSTOP` at its end the process
 * stops there, and goes on when it is told to. `DIE_AT` may also be `workflow activate`: it stops
 * within its first call into a workflow's code.
 */
import { createRequire } from 'node:module';
import { Script } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const main = createRequire(new URL('../../dist/src/main.js', import.meta.url));

function die(signal) {
  process.kill(process.pid, signal);
  if (signal === 'SIGSTOP') return;
  for (;;); // not one step further
}

function dieAt(point) {
  const [file, name, when, nth = '1', signal = 'SIGKILL'] = point.split(' ');
  const [owner, method = owner] = name.split('.');
  // By require, as main.js does: it is the same class there.
  const built = main(`./${file}`);
  const holder = method === owner ? built : built[owner].prototype;
  const original = holder[method];
  let calls = 0;
  holder[method] = function dying(...args) {
    calls += 1;
    const isIt = calls === Number(nth);
    if (isIt && when === 'before') die(signal);
    const result = original.apply(this, args);
    if (!isIt || when !== 'after') return result;
    // Also if it has failed: a busy Temporal may do what it has no time left to confirm.
    return Promise.resolve(result).finally(() => die(signal));
  };
}

/** What the SDK hands over is read by the script, while its timeout runs. */
const HANDED = '__temporal_args';

function stopInWorkflow(call) {
  const run = Reflect.get(Script.prototype, 'runInContext');
  Script.prototype.runInContext = function stopping(context, options) {
    const handed = context[HANDED];
    if (handed?.[1] === call) {
      Script.prototype.runInContext = run;
      const get = () => {
        Object.defineProperty(context, HANDED, { value: handed, writable: true });
        die('SIGSTOP');
        // Longer than the timeout's thread takes to notice, not counting the standstill.
        const start = process.cpuUsage();
        while (process.cpuUsage(start).user < 500_000);
        return handed;
      };
      Object.defineProperty(context, HANDED, { configurable: true, get });
    }
    return run.call(this, context, options);
  };
}

const { DIE_AT = '' } = process.env;
const [place, call] = DIE_AT.split(' ');
if (place === 'workflow') {
  if (!isMainThread) stopInWorkflow(call);
} else if (DIE_AT) dieAt(DIE_AT);
process.on('message', (point) => {
  dieAt(point);
  process.send('will die');
});
// It keeps no process running.
process.channel?.unref();
