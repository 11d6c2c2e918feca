import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A failure whose message is for the user: shown without a stack. */
export class Refusal extends Error {}

const running = new Set();
const graceMs = 5000;
let ending = false;

/**
 * Runs a command to completion.
 * `stdio: 'inherit'` shows its output as it comes; otherwise it is collected.
 * Resolves `{code, output}` whatever the exit code; a command that can't be started gives code 127.
 */
export function run(command, args, { cwd, env, stdio = 'collect', timeoutMs } = {}) {
  return new Promise((resolve) => {
    if (ending) return;
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    running.add(child);
    const done = (result) => {
      running.delete(child);
      if (!ending) resolve(result);
    };
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const output = () => Buffer.concat(chunks).toString('utf8');
    child.on('error', (error) => done({ code: 127, output: error.message }));
    child.on('close', (code, signal) => {
      const cut = signal ? `${output()}\n(ended by ${signal})` : output();
      done({ code: code ?? 1, output: cut });
    });
  });
}

/** For the end of a script: ends what it still runs. That never resolves, since nothing is to follow from it. */
export async function endRuns() {
  ending = true;
  await Promise.all(
    [...running].map(async (child) => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await closed;
      clearTimeout(timer);
    }),
  );
}

/** Runs a command; if it fails, throws a Refusal with its last lines. */
export async function mustRun(command, args, options = {}) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) {
    const shown = output ? `\n${lastLines(output, 40)}` : '';
    throw new Refusal(`${[command, ...args].join(' ')} failed with exit code ${code}${shown}`);
  }
  return output;
}

export function lastLines(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Calls `check` until it returns something truthy; undefined after `timeoutMs`. */
export async function poll(check, { timeoutMs, everyMs = 200 }) {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const answer = await check();
    if (answer || Date.now() >= deadlineMs) return answer || undefined;
    await sleep(everyMs);
  }
}
