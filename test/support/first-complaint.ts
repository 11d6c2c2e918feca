import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a command says is wrong, and whether it then waits for that to change, or ends with a code but 0. */
export interface Complaint {
  text: string;
  outcome: 'waits' | 'ends';
}

/**
 * Runs a command of node until it complains, by the first error of its log or by what it writes to stderr
 * when it gives up, and ends it.
 * @param passing errors of which a log may have one before the one that stays
 */
export async function firstComplaint(
  args: readonly string[],
  environment: Record<string, string>,
  node = process.execPath,
  passing: readonly string[] = [],
): Promise<Complaint> {
  const child = spawn(node, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const logged = new Promise<Complaint>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const counts = (one: string): boolean => !passing.some((text) => one.includes(text));
      const line = stdout
        .split('\n')
        .find((one) => one.startsWith('{"level":"error"') && counts(one));
      // Its end may still be on the way.
      if (line?.endsWith('}'))
        resolve({ text: (JSON.parse(line) as { msg: string }).msg, outcome: 'waits' });
    });
  });
  const gaveUp = ended.then((): Complaint => {
    if (child.exitCode === 0) throw new Error(`did not complain:\n${stdout}${stderr}`);
    // After the step in which it happened, where there is one.
    return {
      text: stderr
        .trim()
        .split(/^\s*✘ /m)
        .at(-1)!,
      outcome: 'ends',
    };
  });
  try {
    return await Promise.race([logged, gaveUp]);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
