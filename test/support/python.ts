import { spawnSync } from 'node:child_process';

/**
 * The Python that a customer's code is run with: PYTHON, or the first of python3 and python that is a
 * Python 3.
 * @throws Error where there is none; npm start and npm test may need one anyway, to fetch servers
 */
export function findPython(): string {
  const candidates = [process.env.PYTHON, 'python3', 'python'].filter((name) => name !== undefined);
  const found = candidates.find((name) => {
    const { stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    return stdout?.startsWith('Python 3.');
  });
  if (found === undefined) throw new Error('this test needs a Python 3 on the PATH, or in PYTHON');
  return found;
}
