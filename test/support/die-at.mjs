/**
 * Preloaded into a role's process (`node --import`), it makes the process kill itself with -9 at one exact
 * point: before, or after, the nth call of a method or a function of the built code. `DIE_AT` says which:
 * `store/events Events.insert before`, `temporal/engine Engine.startFanOut before 2`, or `store/expunge
 * expungeEvent after`.
 */
import { createRequire } from 'node:module';

const [file, name, when, nth = '1'] = process.env.DIE_AT.split(' ');
const [owner, method = owner] = name.split('.');
// By require, as main.js does: it is the same class there.
const built = createRequire(new URL('../../dist/src/main.js', import.meta.url))(`./${file}`);
const holder = method === owner ? built : built[owner].prototype;
const original = holder[method];
let calls = 0;

function die() {
  process.kill(process.pid, 'SIGKILL');
  for (;;); // not one step further
}

holder[method] = function dying(...args) {
  calls += 1;
  const isIt = calls === Number(nth);
  if (isIt && when === 'before') die();
  const result = original.apply(this, args);
  return isIt && when === 'after' ? Promise.resolve(result).then(die) : result;
};
