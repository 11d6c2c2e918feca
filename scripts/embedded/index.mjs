import { fail, note, step } from '../lib/console.mjs';
import { startMongod } from './mongod.mjs';
import { howItEnded, logOf } from './start-server.mjs';
import { startTemporal } from './temporal.mjs';

export { findBinary } from './find-binary.mjs';

/**
 * Brings up MongoDB and Temporal, each unless MONGODB_URL or TEMPORAL_ADDRESS names one that runs
 * elsewhere. State is kept in `dataDir`, which no other process may use.
 * `throwaway`: `dataDir` is removed if this process ends without stopping them. `headless`: no Web UI.
 * `ttlSeconds`: see startMongod. `onServerLost()`: a server exited unexpectedly; what happened has been
 * printed by then.
 *
 * Returns `{mongodbUrl, temporalAddress, temporalUiUrl?, temporalNamespace, temporalCli, pids, stop()}`; `pids`
 * are those of the servers that were started here.
 */
export async function startEmbedded({ dataDir, throwaway, headless, ttlSeconds, onServerLost }) {
  const { MONGODB_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_UI_URL } = process.env;
  let mongod;
  let temporal;
  if (MONGODB_URL) {
    note('MongoDB: the one that MONGODB_URL names');
  } else {
    await step('Starting MongoDB', async () => {
      mongod = await startMongod({ dataDir, throwaway, ttlSeconds });
      void watch('MongoDB', mongod, onServerLost);
      return `${mongod.version} on 127.0.0.1:${mongod.ports.mongo}`;
    });
  }
  if (TEMPORAL_ADDRESS) {
    note(`Temporal: the one at ${TEMPORAL_ADDRESS} (TEMPORAL_ADDRESS)`);
  } else {
    await step('Starting Temporal', async () => {
      // MongoDB would not end in order without its files.
      temporal = await startTemporal({ dataDir, throwaway: throwaway && !mongod, headless });
      void watch('Temporal', temporal, onServerLost);
      return `${temporal.version} on ${temporal.address}`;
    });
  }
  return {
    mongodbUrl: MONGODB_URL || mongod.url,
    temporalAddress: TEMPORAL_ADDRESS || temporal.address,
    temporalUiUrl: TEMPORAL_ADDRESS ? TEMPORAL_UI_URL : temporal.uiUrl,
    /** The user's own on PATH, when the server is the user's own too. */
    temporalCli: temporal?.cliPath ?? 'temporal',
    pids: { mongod: mongod?.pid, temporal: temporal?.pid },
    temporalNamespace: (TEMPORAL_ADDRESS && TEMPORAL_NAMESPACE) || 'default',
    /** Temporal first: what it still runs needs MongoDB. */
    stop: async () => {
      await temporal?.stop();
      await mongod?.stop();
    },
  };
}

/** Reports a server that exits unexpectedly, with its last log lines. */
export async function watch(title, server, onServerLost) {
  const end = await server.exited;
  if (end.expected) return;
  fail(`${title} ended unexpectedly (${howItEnded(end)}). ${logOf(server)}`);
  onServerLost?.();
}
