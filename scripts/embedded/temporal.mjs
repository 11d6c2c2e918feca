import { poll, run } from '../lib/run.mjs';
import { findBinary } from './find-binary.mjs';
import { startServer } from './start-server.mjs';

const namespace = 'default';
const withoutNews = '--ui-disable-news-fetch';

/**
 * Temporal's development server, its state in `<dataDir>/temporal.db`, on loopback only; with the Web UI
 * unless `headless`. `fixedPorts`: those of an earlier start, to keep the same address. `throwaway`: see
 * startGuarded. Returns the guarded server with `address`, `uiUrl`, `cliPath` and `version`.
 */
export async function startTemporal({ dataDir, throwaway, headless = false, fixedPorts }) {
  const env = cleanEnvironment(dataDir);
  const { path, version } = await findBinary('temporal', { env });
  const hasNews = !headless && (await knows(path, env, withoutNews));
  const server = await startServer({
    name: 'temporal',
    title: 'Temporal',
    command: path,
    dataDir,
    throwaway,
    // The server takes the database's name for a URI, in which #, ? and % of a folder mean something else.
    cwd: dataDir,
    env,
    fixed: fixedPorts,
    preferred: headless ? { api: 7233 } : { api: 7233, ui: 8233 },
    argsFor: (ports) => temporalArgs(ports, hasNews),
    ready: ({ api }, alive) => ready(path, env, api, alive),
  });
  const { api, ui } = server.ports;
  return {
    ...server,
    address: `127.0.0.1:${api}`,
    uiUrl: ui && `http://127.0.0.1:${ui}`,
    cliPath: path,
    version,
  };
}

/** Whether the CLI has that option: an older one ends at one that it doesn't know. */
async function knows(cli, env, option) {
  const { output } = await run(cli, ['server', 'start-dev', '--help'], { env, timeoutMs: 20_000 });
  return output.includes(option);
}

function temporalArgs({ api, ui }, hasNews) {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(api)];
  args.push('--db-filename', 'temporal.db', '--namespace', namespace);
  // About twice as fast as the defaults; a crash of the machine, not of a process, may lose the last commits.
  args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1');
  // Projects take turns (docs/operating.md, Fairness); with one partition a queue's order is exact.
  for (const setting of [
    'matching.enableFairness=true',
    'matching.numTaskqueueReadPartitions=1',
    'matching.numTaskqueueWritePartitions=1',
    // So that a workflow can be paused as a whole.
    'frontend.WorkflowPauseEnabled=true',
    // It prepares all its metrics for collection every second: with many task queues that is most of its work.
    'metrics.breakdownByTaskQueue=false',
  ]) {
    args.push('--dynamic-config-value', setting);
  }
  args.push('--log-level', 'warn', '--log-format', 'json');
  if (ui) args.push('--ui-ip', '127.0.0.1', '--ui-port', String(ui));
  else args.push('--headless');
  if (hasNews) args.push(withoutNews);
  return args;
}

async function ready(cli, env, api, alive) {
  const timeoutMs = 60_000;
  const address = ['--address', `127.0.0.1:${api}`, '--namespace', namespace];
  const describe = ['operator', 'namespace', 'describe', ...address];
  let said = '';
  const up = await poll(
    async () => {
      if (!alive()) return true;
      const { code, output } = await run(cli, describe, { env, timeoutMs: 10_000 });
      said = output;
      return code === 0;
    },
    { timeoutMs, everyMs: 150 },
  );
  if (!up) throw new Error(`not ready within ${timeoutMs / 1000} s. ${said}`);
}

/**
 * The server and the CLI also read TEMPORAL_*, and profiles in the home folder, such as one for Temporal Cloud, but the
 * user's settings are not meant for this server.
 */
function cleanEnvironment(dataDir) {
  const isOfUser = (name) => name.startsWith('TEMPORAL_') || name === 'XDG_CONFIG_HOME';
  const kept = Object.entries(process.env).filter(([name]) => !isOfUser(name));
  return { ...Object.fromEntries(kept), HOME: dataDir, TEMPORAL_VERSION_CHECK_DISABLED: '1' };
}
