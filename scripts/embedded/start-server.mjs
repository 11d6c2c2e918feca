import { Refusal } from '../lib/run.mjs';
import { freePort } from '../lib/ports.mjs';
import { startGuarded } from './guarded.mjs';

const tries = 3;

/**
 * Starts a server on its preferred ports, or on others if they were taken between our check and its
 * start, and waits until `ready` is true.
 * `preferred` names the ports ({api: 7233}); `argsFor(ports)`, `ready(ports, alive)`.
 * `fixed` are the ports of an earlier start that this one reuses, since its clients expect it there.
 */
export async function startServer({ title, preferred, fixed, argsFor, ready, ...rest }) {
  for (let attempt = 1; ; attempt += 1) {
    const ports = { ...fixed };
    for (const [use, port] of Object.entries(fixed ? {} : preferred)) {
      ports[use] = await freePort(attempt === 1 ? port : undefined);
    }
    const server = await startGuarded({ ...rest, args: argsFor(ports) });
    let ended;
    void server.exited.then((end) => (ended = end));
    try {
      await ready(ports, () => !ended);
    } catch (error) {
      await server.stop();
      throw new Refusal(`${title} did not come up: ${error.message}\n${logOf(server)}`);
    }
    if (!ended) return { ...server, ports };
    if (!/address already in use/i.test(server.tail(100)) || attempt === tries) {
      throw new Refusal(`${title} ended while starting (${howItEnded(ended)})\n${logOf(server)}`);
    }
  }
}

export function logOf(server) {
  return `Its last log lines (${server.logFile}):\n${server.tail()}`;
}

export function howItEnded({ code, signal }) {
  return signal ? `by ${signal}` : `exit code ${code}`;
}
