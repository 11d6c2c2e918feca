import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { accepts } from './ports.mjs';
import { isInGroup } from './process-identity.mjs';
import { run } from './run.mjs';

const listening = '0A'; // TCP_LISTEN, as proc(5) shows it

/**
 * Whether a process of that group listens on that port; another program may do so as well as answer there.
 * Where the system doesn't tell who does, whether anyone does.
 */
export async function listensOn(group, port) {
  if (process.platform !== 'linux') {
    const args = ['-nP', '-a', '-g', String(group), `-iTCP:${port}`, '-sTCP:LISTEN'];
    const { code } = await run('lsof', args);
    return code === 127 ? accepts(port) : code === 0; // 127: there is no lsof
  }
  const sockets = socketsOn(port);
  if (!sockets) return accepts(port);
  const pids = sockets.size > 0 ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.some(
    (pid) => isInGroup(pid, group) && filesOf(pid).some((file) => sockets.has(file)),
  );
}

/** By the names that they have among a process's open files; undefined: the system doesn't tell. */
function socketsOn(port) {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let table;
  try {
    table = readFileSync('/proc/net/tcp', 'utf8');
  } catch {
    return undefined;
  }
  const fields = table.split('\n').map((row) => row.trim().split(/\s+/));
  const found = fields.filter(([, local, , state]) => state === listening && local.endsWith(end));
  return new Set(found.map((row) => `socket:[${row[9]}]`));
}

function filesOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it has ended, or closed one of them
  }
}
