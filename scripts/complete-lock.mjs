/**
 * node scripts/complete-lock.mjs: run after `npm install` has changed a package-lock.json.
 *
 * `npm install` leaves optional packages for other platforms out of the lock when its registry does
 * not serve them (partial mirrors), and `npm ci` then refuses the lock everywhere. This adds those
 * entries as their parents declare them. Every entry then gets its integrity hash from the registry;
 * without it npm would install whatever it is served.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './lib/console.mjs';
import { root } from './lib/paths.mjs';
import { mustRun } from './lib/run.mjs';

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'sunos', 'win32'];
const processors = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];
const libcs = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

for (const name of ['package-lock.json', 'clients/typescript/package-lock.json']) {
  const file = join(root, name);
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const added = missingPackages(lock);
  const packages = Object.entries({ ...lock.packages, ...added });
  lock.packages = Object.fromEntries(packages.toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  const hashed = await addHashes(lock);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  const count = Object.keys(added).length;
  say(`${name}: ${count} packages for other platforms and ${hashed} hashes added.`);
}

/** Entries for the optional packages that the lock names but doesn't hold, by their paths. */
function missingPackages(lock) {
  const missing = {};
  for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (isLocked(lock, parent, name)) continue;
      missing[`node_modules/${name}`] = describe(name, range, dev);
    }
  }
  return missing;
}

/** Asks the registry for the missing hashes; returns how many there were. */
async function addHashes(lock) {
  let count = 0;
  for (const [path, { version, ...entry }] of Object.entries(lock.packages)) {
    if (path === '' || entry.link || entry.integrity) continue;
    const name =
      entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const answer = await mustRun('npm', ['view', `${name}@${version}`, 'dist.integrity', '--json']);
    lock.packages[path] = { version, integrity: JSON.parse(answer), ...entry };
    count += 1;
  }
  return count;
}

/** As Node resolves it: in the parent's node_modules or one further up. */
function isLocked(lock, parent, name) {
  const inside = `${parent ? `${parent}/` : ''}node_modules/${name}`;
  if (lock.packages[inside]) return true;
  if (!parent) return false;
  return isLocked(lock, parent.slice(0, Math.max(parent.lastIndexOf('/node_modules/'), 0)), name);
}

/** Platform packages are named by platform: `@swc/core-linux-arm64-musl`. */
function describe(name, range, dev) {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const libc = os === 'linux' && libcs[words.at(-1)];
  const version = range.replace(/^[\^~]/, '');
  if (!os || !cpu || !/^\d+\.\d+\.\d+/.test(version)) {
    throw new Error(`${name}@${range}: not recognised as a package for a single platform`);
  }
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}
