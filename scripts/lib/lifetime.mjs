import { refuseFurtherStarts } from '../embedded/guarded.mjs';
import { cutOffSteps, note, say, step } from './console.mjs';
import { isAlive, runningNpm } from './process-identity.mjs';
import { endRuns } from './run.mjs';

// npm passes Ctrl-C on to its child, which has already got it from the terminal: one key press, two signals.
const sameKeyPressMs = 1500;
const npmCheckMs = 2000;

/**
 * One graceful shutdown for a script, however it ends: on its own, by Ctrl-C, SIGTERM, a closed terminal, or
 * because npm was killed. What was started last is stopped first.
 * `interruptedCode` is the exit code after a signal.
 */
export function createLifetime({ interruptedCode }) {
  const stops = [];
  let ending;
  let interruptedAtMs;

  async function finish(code) {
    refuseFurtherStarts();
    cutOffSteps();
    await endRuns();
    for (const { label, stop } of stops.toReversed()) {
      try {
        await (label ? step(`Stopping ${label}`, async () => void (await stop())) : stop());
      } catch (error) {
        note(`Not stopped cleanly: ${error.message}`);
      }
    }
    process.exit(code);
  }

  function end(code) {
    ending ??= finish(code);
    return ending;
  }

  function interrupted(reason) {
    if (!ending) {
      interruptedAtMs = Date.now();
      say(`\n  Stopping: ${reason}`);
      void end(interruptedCode);
    } else if (Date.now() - (interruptedAtMs ?? 0) > sameKeyPressMs) {
      process.exit(interruptedCode || 130); // the guards still stop what they guard
    }
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => interrupted(signal));
  watchNpm(() => interrupted('npm is gone'));

  return {
    /** `label` names what is stopped; without one nothing is printed. */
    onStop: (stop, label) => void stops.push({ label, stop }),
    end,
    get ending() {
      return Boolean(ending);
    },
  };
}

/** kill -9 on npm would otherwise leave us running as an orphan. */
function watchNpm(gone) {
  const npm = runningNpm();
  if (!npm) return;
  const timer = setInterval(() => {
    if (isAlive(npm)) return;
    clearInterval(timer);
    gone();
  }, npmCheckMs);
  timer.unref();
}
