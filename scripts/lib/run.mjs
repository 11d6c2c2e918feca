import { spawn } from 'node:child_process';

/** A failure whose message is for the user: shown without a stack. */
export class Refusal extends Error {}

/**
 * Runs a command to completion.
 * `stdio: 'inherit'` shows its output as it comes; otherwise it is collected.
 * Resolves `{code, output}` whatever the exit code; a command that can't be started gives code 127.
 */
export function run(command, args, { cwd, env, stdio = 'collect', timeoutMs } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const output = () => Buffer.concat(chunks).toString('utf8');
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code, signal) => {
      const cut = signal ? `${output()}\n(ended by ${signal})` : output();
      resolve({ code: code ?? 1, output: cut });
    });
  });
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
