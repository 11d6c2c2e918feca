import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { note, step } from '../lib/console.mjs';
import { Refusal, run } from '../lib/run.mjs';
import { binaries, platform } from './binary-sources.mjs';
import { fetchBinary } from './fetch-binary.mjs';

/** Where fetched binaries are kept, for all checkouts. Absolute, as those on PATH: a server may have another folder. */
export const cacheFolder = resolve(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'posthorn/bin',
);

/**
 * Finds a server's binary: on PATH, in our cache, else fetched from the pinned sources in turn.
 * `accepts(version)` may return a reason why a version is not suitable. `env` is the environment that it will run
 * in, if not ours: what a version manager puts on PATH may not run there.
 * Returns `{path, version}`; throws a Refusal that lists everything that was tried.
 */
export async function findBinary(name, { accepts, env } = {}) {
  const binary = binaries[name];
  const tried = [];

  for (const path of onPath(binary.command)) {
    const { version, problem } = await probe(binary, path, { accepts, env });
    if (version) return { path, version };
    note(`${path} is not used: ${problem}`);
    tried.push(`${path}: ${problem}`);
  }
  if (tried.length === 0) tried.push(`PATH: no ${binary.command} there`);

  const sources = binary.sources.filter((source) => {
    const problem = accepts?.(source.version);
    if (problem) tried.push(`${describe(source)}: ${problem}`);
    return !problem;
  });
  for (const source of sources) {
    const path = cachedPath(name, source);
    const { version } = existsSync(path) ? await probe(binary, path, { accepts, env }) : {};
    if (version) return { path, version };
  }
  for (const source of sources) {
    try {
      const label = `Fetching ${binary.title} ${source.version} (${origin(source)})`;
      return await step(label, () => install(name, source, { accepts, env }), { optional: true });
    } catch (error) {
      note(`${binary.title} could not be obtained by ${origin(source)}: ${error.message}`);
      tried.push(`${describe(source)}: ${error.message}`);
    }
  }
  if (binary.sources.length === 0) tried.push(`no download is known for ${platform}`);
  throw new Refusal(
    `${binary.title} not found. Tried:\n` +
      tried.map((line) => `  - ${line}`).join('\n') +
      `\nWhat to do: ${binary.advice}.`,
  );
}

/**
 * Everything happens in a separate folder, which is renamed into place once the binary is known to
 * run, so that concurrent or interrupted installs never leave a broken binary.
 */
async function install(name, source, suitable) {
  const binary = binaries[name];
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, '.fetch-'));
  const remove = () => rmSync(work, { recursive: true, force: true });
  process.once('exit', remove); // that may come in the middle
  try {
    const fetched = await fetchBinary(source, work);
    chmodSync(fetched, 0o755);
    const { version, problem } = await probe(binary, fetched, suitable);
    if (!version) throw new Error(problem);
    const path = cachedPath(name, source);
    renameSync(fetched, path);
    return { path, version };
  } finally {
    process.off('exit', remove);
    remove();
  }
}

function cachedPath(name, source) {
  return join(cacheFolder, `${name}-${source.version}-${platform}`);
}

/** Runs the binary to learn its version: one for another libc or processor fails here. */
async function probe(binary, path, { accepts, env }) {
  const { code, output } = await run(path, binary.probeArgs, { env, timeoutMs: 20_000 });
  const version = code === 0 ? binary.readVersion(output) : undefined;
  if (!version) return { problem: `does not run here (${output.trim().split('\n')[0] || code})` };
  const problem = binary.tooOld(version, output) ?? accepts?.(version);
  return problem ? { problem: `version ${version}: ${problem}` } : { version };
}

function onPath(command) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => resolve(folder, command))
    .filter((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function origin(source) {
  return source.kind === 'wheel' ? 'PyPI wheel' : 'official download';
}

function describe(source) {
  return source.kind === 'wheel' ? `PyPI ${source.project} ${source.release}` : source.url;
}
