/**
 * One mongod as it is asked for, for `BareMongod` (bare-mongod.ts), which talks to it:
 * `node run-bare-mongod.mjs <dataDir> <port> <further arguments of mongod …>`. It ends with its mongod, and
 * its mongod with its parent.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary } from '../../scripts/embedded/index.mjs';
import { startServer } from '../../scripts/embedded/start-server.mjs';

const [dataDir, port, ...more] = process.argv.slice(2);
const dbPath = join(dataDir, 'mongo');
mkdirSync(dbPath, { recursive: true });
const { path } = await findBinary('mongod');
const server = await startServer({
  name: 'mongod',
  title: 'MongoDB',
  command: path,
  dataDir,
  throwaway: true,
  fixed: { mongo: Number(port) },
  argsFor: ({ mongo }) => {
    const args = ['--dbpath', dbPath, '--port', String(mongo), '--bind_ip', '127.0.0.1'];
    args.push('--nounixsocket', '--oplogSize', '64', '--wiredTigerCacheSizeGB', '0.25');
    return [...args, ...more];
  },
  ready: () => {},
});
process.on('message', () => void server.stop());
process.on('disconnect', () => process.exit());
process.send({ pid: server.pid });
await server.exited;
if (process.connected) process.disconnect();
