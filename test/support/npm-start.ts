import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { freshMongodbUrl, temporalAddress } from './embedded';
import { eventually } from './eventually';

const START = path.resolve(__dirname, '../../scripts/start.mjs');
/** All that a first start does. */
const PATIENCE_MS = 150_000;

export interface NpmStart {
  /** Its data directory, with `dev.json`. */
  folder: string;
  dev: Record<'apiUrl' | 'dashboardUrl' | 'adminKey' | 'projectId' | 'projectKey', string>;
  /** The link that it prints, which signs in once. */
  signInUrl: string;
  pid: number;
  /** @returns its exit code */
  stop: () => Promise<number | null>;
}

/** Starts `npm start` with a database and a namespace of its own on the test run's servers. */
export function spawnStart(
  folder: string,
  settings: Record<string, string>,
  options: readonly string[] = [],
): ChildProcessByStdio<null, Readable, null> {
  const { POSTHORN_ENV: _unset, ...inherited } = process.env;
  return spawn(process.execPath, [START, ...options], {
    env: {
      ...inherited,
      POSTHORN_DATA_DIR: folder,
      MONGODB_URL: freshMongodbUrl(),
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: path.basename(folder).toLowerCase(),
      PORT: '0',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The same, once it is up. */
export async function npmStart(
  settings: Record<string, string> = {},
  folder = mkdtempSync(path.join(tmpdir(), 'posthorn-start-')),
): Promise<NpmStart> {
  const child = spawnStart(folder, settings);
  const exited = once(child, 'exit');
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    rmSync(folder, { recursive: true });
    return code;
  };
  try {
    const [signInUrl] = await eventually(
      'it is up',
      () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
        return /https?:\S+#sign-in=\S+/.exec(printed);
      },
      PATIENCE_MS,
    );
    const json = await readFile(path.join(folder, 'dev.json'), 'utf8');
    const dev = JSON.parse(json) as NpmStart['dev'];
    return { folder, dev, signInUrl, pid: child.pid!, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
