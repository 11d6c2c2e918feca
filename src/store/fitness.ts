import mongoose, { mongo, type Connection } from 'mongoose';
import { causeOf } from '../reachability';
import { MAX_CONFIRM_MS } from './time-limit';

/** Milliseconds to find a primary. */
const PATIENCE_MS = 3000;

const ADVICE = 'start it, or correct the setting';

/** The part of MongoDB's answer to `hello` that matters. */
interface Hello {
  setName?: string;
  /** `isdbgrid`: a router of a sharded cluster. */
  msg?: string;
  /** Started with `--replSet`, but not initiated. */
  isreplicaset?: boolean;
  maxWireVersion?: number;
}

/** Of MongoDB 6.0, the first one that has `$in` in partial indexes. */
const MIN_WIRE_VERSION = 17;

const UNAUTHORIZED = 13;
const WRITE_CONCERN_FAILED = 64;
const AUTHENTICATION_FAILED = 18;
const ATLAS_ERROR = 8000;

/**
 * Finds out, with a connection of its own, why MongoDB can't be used by another one.
 * @returns as `whyUnfit` does; null if it can be used now
 */
async function whyUnusable(url: string): Promise<string | null> {
  const client = new mongo.MongoClient(url, {
    serverSelectionTimeoutMS: PATIENCE_MS,
    connectTimeoutMS: PATIENCE_MS,
  });
  const { srvHost, hosts, replicaSet, tls } = client.options;
  const closed = `, as a server ${tls ? 'without' : 'that asks for'} TLS does`;
  const whyOf = (error: unknown): string => {
    const cause = causeOf(error);
    return /\bclosed\b/.test(cause) ? cause + closed : cause;
  };
  /** The last answer or error of each member. */
  const seen = new Map<string, Hello | Error>();
  client.on('serverHeartbeatSucceeded', ({ connectionId, reply }) => {
    seen.set(connectionId, reply);
  });
  client.on('serverHeartbeatFailed', ({ connectionId, failure }) => {
    seen.set(connectionId, failure);
  });
  try {
    await client.connect();
    return null;
  } catch (error) {
    const address = srvHost ?? hosts.join();
    if (error instanceof mongo.MongoServerError) {
      return `MONGODB_URL: MongoDB at ${address} ${whyRefused(error)}`;
    }
    const failures: string[] = [];
    let setName: string | undefined;
    for (const [host, answer] of seen) {
      if (answer instanceof Error) {
        failures.push(`${host}: ${whyOf(answer)}`);
        continue;
      }
      const unsuitable = whyUnsuitable(host, answer, replicaSet);
      if (unsuitable !== null) return unsuitable;
      ({ setName } = answer);
    }
    const because = failures[0] ?? 'too few of its members are up to elect one';
    return setName === undefined
      ? `MONGODB_URL: MongoDB can't be reached at ${failures[0] ?? `${address}: ${whyOf(error)}`}; ${ADVICE}`
      : `MONGODB_URL: no primary of the replica set ${setName} can be reached (${because}); start its members, or correct their addresses`;
  } finally {
    await client.close();
  }
}

function whyUnsuitable(address: string, hello: Hello, replicaSet?: string): string | null {
  if ((hello.maxWireVersion ?? 0) < MIN_WIRE_VERSION) {
    return `MONGODB_URL: MongoDB at ${address} is older than 6.0; upgrade it`;
  }
  if (hello.msg === 'isdbgrid') return null;
  if (hello.setName === undefined) {
    return hello.isreplicaset
      ? `MONGODB_URL: the replica set of MongoDB at ${address} is not initiated; run rs.initiate() on it`
      : `MONGODB_URL: MongoDB at ${address} is a standalone server, whose writes can be lost; start it with --replSet and run rs.initiate() on it`;
  }
  if (replicaSet !== undefined && hello.setName !== replicaSet) {
    return `MONGODB_URL: MongoDB at ${address} belongs to the replica set ${hello.setName}, but the URL says replicaSet=${replicaSet}; correct it`;
  }
  return null;
}

/** Without a user, MongoDB names no command that it refuses. */
function whyRefused(error: mongo.MongoServerError): string {
  const code = Number(error.code);
  if (code === UNAUTHORIZED) {
    const [, command] = / to execute command \{ (\w+):/.exec(error.message) ?? [];
    const what = command === undefined ? 'read and write' : `run ${command}`;
    return `does not let the URL's user ${what}; give it the role readWrite on the database`;
  }
  if (code === AUTHENTICATION_FAILED || code === ATLAS_ERROR) {
    return "refuses the URL's user: name, password or authSource is wrong; correct it";
  }
  return `refuses: ${error.message.split('\n')[0]}`;
}

/** What MongoDB does not let the user do, as `whyUnfit` says it; null: it failed for another reason. */
export function whyForbidden(error: unknown, server = 'MongoDB'): string | null {
  const isForbidden = error instanceof mongo.MongoServerError && error.code === UNAUTHORIZED;
  return isForbidden ? `MONGODB_URL: ${server} ${whyRefused(error)}` : null;
}

/**
 * Checks whether MongoDB is suitable for Posthorn.
 * @param url of the connection, which may not be established yet
 * @returns why not, in one sentence with setting and address but without credentials; null: it is
 */
export async function whyUnfit(connection: Connection, url: string): Promise<string | null> {
  try {
    // Rather than wait for a connection, find out what prevents it.
    const isConnected = connection.readyState === mongoose.STATES.connected;
    const unusable = isConnected ? null : await whyUnusable(url);
    if (unusable !== null) return unusable;
    await connection.asPromise();
    return await whyUnsafe(connection);
  } catch (error) {
    // If it can be used now, the caller checks again.
    return (await whyUnusable(url)) ?? `MONGODB_URL: MongoDB fails: ${causeOf(error)}`;
  }
}

/**
 * Checks, without changing anything, whether a MongoDB that answers keeps what it confirms: it must be a
 * replica set or a sharded cluster, and a majority must confirm this user's writes.
 * @returns why not, as `whyUnfit` does
 */
async function whyUnsafe({ db, host, port }: Connection): Promise<string | null> {
  const address = `${host}:${port}`;
  try {
    const unsuitable = whyUnsuitable(address, await db!.command({ hello: 1 }));
    if (unsuitable !== null) return unsuitable;
    // Even for a write that matches nothing, a majority must confirm everything before it; since other writes wait
    // for that as well, this is no stricter than they are.
    await db!
      .collection<{ _id: string }>('events')
      .updateOne(
        { _id: 'none' },
        { $unset: { none: 1 } },
        { writeConcern: { w: 'majority', journal: true, wtimeoutMS: MAX_CONFIRM_MS } },
      );
    return null;
  } catch (error) {
    const forbidden = whyForbidden(error, `MongoDB at ${address}`);
    if (forbidden !== null) return forbidden;
    if (error instanceof mongo.MongoServerError && error.code === WRITE_CONCERN_FAILED) {
      return `MONGODB_URL: no majority of the replica set of ${address} confirms a write within ${MAX_CONFIRM_MS / 1000} s; start its other members`;
    }
    throw error;
  }
}
