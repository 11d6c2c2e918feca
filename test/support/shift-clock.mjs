/**
 * Preloaded into a role's process (`node --import`), it sets the process's clock wrong by `CLOCK_AHEAD_MS`;
 * SIGUSR2 sets it right, and wrong again. The monotonic clock keeps running, as when a clock is set. With
 * `CLOCK_UNNOTICED` the process does not notice, so that what it does by then can be seen.
 */
import { createRequire } from 'node:module';

const { CLOCK_AHEAD_MS, CLOCK_UNNOTICED } = process.env;
let isWrong = true;
process.on('SIGUSR2', () => (isWrong = !isWrong));

const RightDate = Date;
const aheadMs = () => (isWrong ? Number(CLOCK_AHEAD_MS) : 0);
const now = () => RightDate.now() + aheadMs();
globalThis.Date = new Proxy(RightDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RightDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
RightDate.prototype.constructor = globalThis.Date;
const { timeOrigin } = performance;
Object.defineProperty(performance, 'timeOrigin', { get: () => timeOrigin + aheadMs() });

if (CLOCK_UNNOTICED) {
  // By require, as main.js does: it is the same class there.
  const built = createRequire(new URL('../../dist/src/main.js', import.meta.url))('./clock');
  built.Clock.prototype.noteSkew = () => {};
}
