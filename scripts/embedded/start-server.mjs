import { listensOn } from '../lib/listening.mjs';
import { freePort } from '../lib/ports.mjs';
import { poll, Refusal } from '../lib/run.mjs';
import { startGuarded } from './guarded.mjs';

const tries = 3;
const listensWithinMs = 60_000;
/** As servers say it, and as Posthorn does of the port of its API. */
const portInUse = /address already in use|^PORT: .*\(EADDRINUSE\)/im;

/**
 * Starts a server on its preferred ports, or on others if they were taken between our check and its
 * start, and waits until `ready` is true.
 * `preferred` names the ports ({api: 7233}); `argsFor(ports)`, `envFor(ports)`, `ready(ports, alive)`.
 * `fixed` are ports that it has to have, such as those of an earlier start, where its clients expect it.
 * `lastWords(server)`: what it said for people when it ended, if anything.
 */
export async function startServer({
  title,
  preferred,
  fixed,
  argsFor,
  envFor,
  ready,
  lastWords,
  ...rest
}) {
  for (let attempt = 1; ; attempt += 1) {
    const ports = { ...fixed };
    for (const [use, port] of Object.entries(fixed ? {} : preferred)) {
      ports[use] = await freePort(attempt === 1 ? port : undefined);
    }
    const env = envFor?.(ports) ?? rest.env;
    const server = await startGuarded({ ...rest, env, args: argsFor(ports) });
    let ended;
    void server.exited.then((end) => (ended = end));
    const alive = () => !ended;
    try {
      await untilListening(server, Object.values(ports), alive);
      if (alive()) await ready(ports, alive);
    } catch (error) {
      await server.stop();
      if (error instanceof Refusal) throw error;
      throw new Refusal(`${title} did not come up: ${error.message}\n${logOf(server)}`);
    }
    if (!ended) return { ...server, ports };
    if (!portInUse.test(server.tail(100)) || attempt === tries) {
      throw new Refusal(
        lastWords?.(server) ??
          `${title} ended while starting (${howItEnded(ended)})\n${logOf(server)}`,
      );
    }
  }
}

/** Before that, another program may answer there: one that took the port after we had looked. */
async function untilListening(server, ports, alive) {
  const listens = async () => {
    for (const port of ports) if (!(await listensOn(server.group, port))) return false;
    return true;
  };
  const done = await poll(async () => !alive() || (await listens()), {
    timeoutMs: listensWithinMs,
    everyMs: 100,
  });
  if (!done) throw new Error(`it does not listen after ${listensWithinMs / 1000} s`);
}

export function logOf(server) {
  return `Its last log lines (${server.logFile}):\n${server.tail()}`;
}

export function howItEnded({ code, signal }) {
  return signal ? `by ${signal}` : `exit code ${code}`;
}
