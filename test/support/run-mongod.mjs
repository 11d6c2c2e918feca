/**
 * One mongod for `Mongod` (mongod.ts), which talks to it: `node run-mongod.mjs <dataDir> <port>`. It ends
 * with its mongod, and its mongod with its parent.
 */
import { startMongod } from '../../scripts/embedded/mongod.mjs';

const [dataDir, port] = process.argv.slice(2);
const server = await startMongod({
  dataDir,
  throwaway: true,
  fixedPorts: { mongo: Number(port) },
});
process.on('message', () => void server.stop());
process.on('disconnect', () => process.exit());
process.send({ pid: server.pid });
await server.exited;
if (process.connected) process.disconnect();
