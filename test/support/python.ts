import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

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

/**
 * Installs what a requirements file names, by version and checksum, into a new folder for PYTHONPATH:
 * nothing of the machine's own Python changes. The caller removes it.
 * @throws Error with what pip said
 */
export function installRequirements(python: string, file: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-python-'));
  const options = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '--no-input'];
  const args = ['-m', 'pip', 'install', '--quiet', ...options, '--target', folder, '-r', file];
  // pip itself repeats what found no connection, but not what an index answered with an error.
  for (let tries = 1; ; tries += 1) {
    const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' });
    if (status === 0) return folder;
    if (tries === 3) throw new Error(`pip could not install ${file}: ${stderr}`);
  }
}
