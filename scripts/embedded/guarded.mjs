import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from '../lib/console.mjs';
import { readJson, writeJson } from '../lib/json-file.mjs';
import { identify, isAlive } from '../lib/process-identity.mjs';
import { lastLines, poll, Refusal } from '../lib/run.mjs';

const guardScript = fileURLToPath(new URL('./guard.mjs', import.meta.url));
const keepLogBelowBytes = 20_000_000;
const leftoverGraceMs = 30_000;
const running = new Set();
let refusing = false;

/**
 * Starts a server under a guard (see guard.mjs). Its output goes to `<dataDir>/logs/<name>.log`. `throwaway`: if this
 * process ends without having stopped it, `dataDir` is removed once it has ended.
 *
 * Returns `{pid, group, exited, stop(), tail(lines)}`; `group` is that of all its processes; `exited`
 * resolves to `{code, signal, expected}`, where `expected` says whether it ended because of `stop()`.
 */
export async function startGuarded({
  name,
  command,
  args,
  env,
  cwd,
  dataDir,
  throwaway = false,
  graceMs = 10_000,
}) {
  if (refusing) throw new Refusal(`${name} is not started: we are stopping`);
  const runFile = join(dataDir, 'run', `${name}.json`);
  const logFile = join(dataDir, 'logs', `${name}.log`);
  const { fd: log, start: logStart } = openLog(logFile);
  const ofGuard = [guardScript, String(graceMs), throwaway ? dataDir : ''];
  const guard = spawn(process.execPath, [...ofGuard, command, ...args], {
    cwd,
    env: env ?? process.env,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);

  let childPid;
  let result;
  let stopAsked = false;
  const started = new Promise((resolve, reject) => {
    guard.once('error', reject);
    guard.on('message', (message) => {
      if (message.pid) resolve((childPid = message.pid));
      else if (message.error)
        reject(new Error(`${command} could not be started: ${message.error}`));
      else result = message;
    });
    guard.once('exit', () =>
      reject(new Error(`The guard of ${name} ended before ${name} started`)),
    );
  });
  const exited = new Promise((resolve) => {
    const end = (code, signal) => {
      running.delete(server);
      // If the guard itself was killed, we have to stop its server.
      if (!result && childPid) kill(childPid, 'SIGKILL');
      // Others may ask the guard to stop too; and it knows whether its server had ended before.
      const expected = stopAsked && result?.expected !== false;
      resolve({ code, signal, ...result, expected });
    };
    guard.once('exit', end);
    guard.once('error', () => end(127, null)); // it could not even be started
  });
  const server = {
    group: guard.pid, // detached, it leads a group of its own
    exited,
    logFile,
    /** The last lines that this run has logged. */
    tail: (lines = 15) => lastLines(readFileSync(logFile).subarray(logStart).toString(), lines),
    stop: () => {
      stopAsked = true;
      if (guard.connected) guard.send({ stop: true }, () => {});
      return exited;
    },
  };
  running.add(server);
  server.pid = await started;
  writeJson(runFile, { guard: identify(guard.pid), child: identify(server.pid) });
  void exited.then(() => rmSync(runFile, { force: true }));
  return server;
}

/** An interrupted start must not go on to the next server while we stop the others. */
export function refuseFurtherStarts() {
  refusing = true;
}

/** For the end of a script: stops what still runs, half-started servers too; last what the others need. */
export async function stopAllGuarded() {
  for (const server of [...running].toReversed()) await server.stop();
}

/**
 * Stops what an earlier run on this data directory left behind when it was killed: its guards need a
 * moment to stop their servers, or were killed too. Only the process that holds the directory may
 * call it.
 */
export async function endLeftovers(dataDir) {
  const folder = join(dataDir, 'run');
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const end = () => Promise.all(files.map(endLeftover));
  const areRunning = files
    .map(readJson)
    .some((left) => isAlive(left?.guard) || isAlive(left?.child));
  await (areRunning
    ? step('Stopping processes left over from an earlier start', async () => void (await end()))
    : end());
}

async function endLeftover(runFile) {
  const left = readJson(runFile);
  await poll(() => !isAlive(left?.guard), { timeoutMs: leftoverGraceMs, everyMs: 50 });
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    if (!isAlive(left?.child)) break;
    kill(left.child.pid, signal);
    await poll(() => !isAlive(left.child), { timeoutMs: leftoverGraceMs, everyMs: 50 });
  }
  rmSync(runFile, { force: true });
}

/** It may have exited at the same moment. */
function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Appends. A log that has grown large is rotated; one older generation is kept. */
function openLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && statSync(path).size > keepLogBelowBytes) renameSync(path, `${path}.old`);
  const fd = openSync(path, 'a', 0o600);
  return { fd, start: statSync(path).size };
}
