/**
 * Runs one server and outlives its parent just long enough to stop it.
 *
 * Started detached, so that a terminal's Ctrl-C reaches only the script above, which stops servers in
 * order. The IPC channel is the lifeline: the kernel closes it however the parent dies, kill -9
 * included; then the server gets SIGTERM, and SIGKILL if it has not exited after `graceMs`.
 *
 * argv: graceMs, a folder to remove if the parent has died, or nothing, command, its arguments. stdout and
 * stderr are the server's log.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const [graceMs, throwaway, command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
let stopping = false;

function tell(message) {
  if (process.connected) process.send(message, () => {});
}

function stop() {
  if (stopping) return;
  stopping = true;
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), Number(graceMs)).unref();
}

child.once('spawn', () => tell({ pid: child.pid }));
child.once('error', (error) => {
  tell({ error: error.message });
  process.exitCode = 127;
  if (process.connected) process.disconnect();
});
child.once('exit', (code, signal) => {
  // Other servers may still be writing there.
  const retried = { recursive: true, force: true, maxRetries: 10 };
  if (!process.connected && throwaway) rmSync(throwaway, retried);
  // Ours above may have asked us to stop since, and not know yet that it had ended before.
  tell({ code, signal, expected: stopping });
  process.exitCode = code ?? 1;
  if (process.connected) process.disconnect();
});

process.on('message', stop);
process.on('disconnect', stop);
process.on('SIGTERM', stop);
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
