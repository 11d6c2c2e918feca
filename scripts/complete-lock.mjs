/**
 * node scripts/complete-lock.mjs: run after `npm install` has changed package-lock.json.
 *
 * `npm install` leaves optional packages for other platforms out of the lock when its registry does
 * not serve them (partial mirrors), and `npm ci` then refuses the lock everywhere. This adds those
 * entries from what their parents say, without a checksum: npm on that platform fetches them by
 * their exact version.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './lib/console.mjs';
import { root } from './lib/paths.mjs';

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

const file = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = {};
for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(optionalDependencies)) {
    if (isLocked(parent, name)) continue;
    added[`node_modules/${name}`] = describe(name, range, dev);
  }
}
const packages = Object.entries({ ...lock.packages, ...added });
lock.packages = Object.fromEntries(packages.toSorted(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
say(`${Object.keys(added).length} packages for other platforms added to package-lock.json.`);

/** As Node resolves it: in the parent's own node_modules or in one of those above. */
function isLocked(parent, name) {
  const inside = `${parent ? `${parent}/` : ''}node_modules/${name}`;
  if (lock.packages[inside]) return true;
  if (!parent) return false;
  return isLocked(parent.slice(0, Math.max(parent.lastIndexOf('/node_modules/'), 0)), name);
}

/** Platform packages are named by platform: `@swc/core-linux-arm64-musl`. */
function describe(name, range, dev) {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const libc = os === 'linux' && libcs[words.at(-1)];
  const version = range.replace(/^[\^~]/, '');
  if (!os || !cpu || !/^\d+\.\d+\.\d+/.test(version)) {
    throw new Error(`${name}@${range}: not recognised as a package of one platform`);
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
