import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../lib/json-file.mjs';
import { findBinary } from './find-binary.mjs';
import { becomePrimary, replicaSet } from './replica-set.mjs';
import { startServer } from './start-server.mjs';

/**
 * A mongod as a single-node replica set with its data in `<dataDir>/mongo`, on loopback only. `ttlSeconds`:
 * how often expired documents are deleted (MongoDB's own default is 60). `fixedPorts`: those of an earlier
 * start, to keep the same address. `throwaway`: see startGuarded.
 * Returns the guarded server with `url` and `version`.
 */
export async function startMongod({ dataDir, throwaway, ttlSeconds, fixedPorts }) {
  const dbPath = join(dataDir, 'mongo');
  const seriesFile = join(dataDir, 'mongo-series.json');
  mkdirSync(dbPath, { recursive: true });
  const written = existsSync(join(dbPath, 'WiredTiger')) ? readJson(seriesFile)?.series : undefined;
  const { path, version } = await findBinary('mongod', {
    // Data files open with the release series that wrote them: not every upgrade works, and no downgrade.
    accepts: (candidate) =>
      written && series(candidate) !== written
        ? `the data in ${dbPath} was written by MongoDB ${written}, and only that version is sure to open it`
        : undefined,
  });
  writeJson(seriesFile, { series: series(version) });

  const server = await startServer({
    name: 'mongod',
    title: 'MongoDB',
    command: path,
    dataDir,
    throwaway,
    graceMs: 20_000,
    preferred: { mongo: 27017 },
    fixed: fixedPorts,
    argsFor: ({ mongo }) => mongodArgs(dbPath, mongo, ttlSeconds),
    ready: ({ mongo }, alive) => becomePrimary(mongo, { alive }),
  });
  const url = `mongodb://127.0.0.1:${server.ports.mongo}/posthorn?replicaSet=${replicaSet}`;
  return { ...server, url, version };
}

function mongodArgs(dbPath, port, ttlSeconds) {
  const args = ['--dbpath', dbPath, '--port', String(port), '--bind_ip', '127.0.0.1'];
  args.push('--nounixsocket', '--replSet', replicaSet, '--oplogSize', '256', '--quiet');
  args.push('--wiredTigerCacheSizeGB', '0.5');
  args.push('--setParameter', 'diagnosticDataCollectionEnabled=false');
  // The locks of a process that is killed inside a transaction last as long as this.
  args.push('--setParameter', 'transactionLifetimeLimitSeconds=10');
  if (ttlSeconds) args.push('--setParameter', `ttlMonitorSleepSecs=${ttlSeconds}`);
  return args;
}

function series(version) {
  return version.split('.').slice(0, 2).join('.');
}
