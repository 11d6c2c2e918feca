import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../lib/paths.mjs';
import { poll } from '../lib/run.mjs';

export const replicaSet = 'rs0';
const alreadyInitialized = 23;
const notYetInitialized = 94;

/**
 * Makes the mongod on 127.0.0.1:port the primary of a single-node replica set, which is needed for
 * acknowledged writes to survive kill -9, and waits until it accepts writes. Data from a start on
 * another port is kept: the member's address is corrected by a forced reconfiguration.
 * `alive()` says whether the server still runs.
 */
export async function becomePrimary(port, { alive, timeoutMs = 30_000 }) {
  const { MongoClient } = loadDriver();
  const host = `127.0.0.1:${port}`;
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2000,
    connectTimeoutMS: 2000,
  });
  try {
    const admin = client.db('admin');
    let lastError;
    const done = await poll(
      async () => {
        if (!alive()) return 'gone';
        try {
          await client.connect(); // again: a failed first attempt leaves the client closed
          await ensureMember(admin, host);
          return (await admin.command({ hello: 1 })).isWritablePrimary;
        } catch (error) {
          lastError = error; // not listening yet, or between two states
          return false;
        }
      },
      { timeoutMs, everyMs: 100 },
    );
    if (done === 'gone') return;
    if (!done) throw new Error(`mongod did not become primary: ${lastError?.message ?? 'unknown'}`);
  } finally {
    await client.close();
  }
}

async function ensureMember(admin, host) {
  const config = await currentConfig(admin);
  if (!config) {
    const members = [{ _id: 0, host }];
    await admin.command({ replSetInitiate: { _id: replicaSet, members } }).catch((error) => {
      if (error.code !== alreadyInitialized) throw error;
    });
    return;
  }
  const [member] = config.members;
  if (config.members.length === 1 && member.host === host) return;
  await admin.command({
    replSetReconfig: { ...config, version: config.version + 1, members: [{ ...member, host }] },
    force: true,
  });
}

async function currentConfig(admin) {
  try {
    return (await admin.command({ replSetGetConfig: 1 })).config;
  } catch (error) {
    if (error.code === notYetInitialized) return undefined;
    throw error;
  }
}

/** The driver comes with mongoose, so it may not be at the top of node_modules. */
function loadDriver() {
  const fromRoot = createRequire(join(root, 'package.json'));
  return createRequire(fromRoot.resolve('mongoose'))('mongodb');
}
