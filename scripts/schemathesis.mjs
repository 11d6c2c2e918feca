/**
 * npm run schemathesis: schemathesis (PyPI, pinned) against a live API on a real MongoDB and Temporal, with
 * all its checks. Arguments are passed on to each run of schemathesis.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopAllGuarded } from './embedded/guarded.mjs';
import { startEmbedded, watch } from './embedded/index.mjs';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say, step } from './lib/console.mjs';
import { createLifetime } from './lib/lifetime.mjs';
import { root } from './lib/paths.mjs';
import { mustRun, Refusal, run } from './lib/run.mjs';
import { createApi, mustCall } from './start/api.mjs';
import { appEnvironment, runSetup, startApp } from './start/app.mjs';
import { loadSecrets } from './start/secrets.mjs';

const folder = join(root, 'scripts/schemathesis');
const requirements = join(folder, 'requirements.txt');
const python = process.env.PYTHON || 'python3';

const lifetime = createLifetime({ interruptedCode: 130 });
try {
  await ensureDependencies();
  await ensureBuilt();
  const packages = await install();
  const { apiUrl, adminKey, dataDir } = await startApi();
  let failed = 0;
  for await (const part of parts(apiUrl, adminKey)) {
    say(`\n  ${part.title}`);
    failed += await check(packages, { ...part, apiUrl, cwd: dataDir });
  }
  await lifetime.end(failed === 0 ? 0 : 1);
} catch (error) {
  if (!lifetime.ending) fail(error instanceof Refusal ? error.message : error.stack);
  await lifetime.end(1);
}

/** Installs the pinned packages in our cache, keyed by the pins; returns the path. */
async function install() {
  const version = await mustRun(python, ['--version']);
  const pinned = createHash('sha256').update(version).update(readFileSync(requirements));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'posthorn');
  const target = join(cache, `schemathesis-${pinned.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return target;
  await step('Installing schemathesis (pip)', async () => {
    mkdirSync(cache, { recursive: true });
    const work = mkdtempSync(join(cache, '.schemathesis-'));
    const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', work];
    await mustRun(python, [...args, '--requirement', requirements]);
    renameSync(work, target);
  });
  return target;
}

/** The API without a worker, so that nothing is delivered. */
async function startApi() {
  const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-schemathesis-'));
  lifetime.onStop(() => rmSync(dataDir, { recursive: true }));
  lifetime.onStop(stopAllGuarded);
  const onServerLost = () => lifetime.end(1);
  const servers = await startEmbedded({
    dataDir,
    throwaway: true,
    headless: true,
    onServerLost,
  });
  lifetime.onStop(servers.stop);
  const secrets = loadSecrets(dataDir);
  const env = {
    ...appEnvironment({ servers, secrets }),
    POSTHORN_RATE_LIMIT_PER_MINUTE: '1000000',
    // Some checks use wrong keys.
    POSTHORN_WRONG_KEYS_PER_MINUTE: '1000000',
    LOG_LEVEL: 'error',
  };
  await step('Setting up', () => runSetup({ dataDir, env }));
  const app = await step('Starting the API', () => startApp({ dataDir, env, role: 'api' }));
  void watch('Posthorn', app, onServerLost);
  lifetime.onStop(app.stop);
  return { apiUrl: app.url, adminKey: secrets.adminKey, dataDir };
}

/**
 * Which routes are tested with which key: no project accepts all of them. Each part gets its project when it
 * starts, since the admin's part deletes what it finds.
 */
async function* parts(apiUrl, adminKey) {
  const admin = createApi(apiUrl, adminKey);
  const project = async (profile) => {
    const { id } = await mustCall(admin, 'POST', '/v1/projects', { name: profile, profile });
    const owner = { name: 'schemathesis', role: 'owner' };
    const { key } = await mustCall(admin, 'POST', `/v1/projects/${id}/keys`, owner);
    return { key, projectId: id };
  };
  const isAdmins = '^/(v1/projects|v1/catalogs|metrics)';
  const isPlatform = '^/api/webhooks';
  yield {
    title: 'Projects, keys, catalogues and metrics, by the admin',
    include: isAdmins,
    key: adminKey,
    projectId: (await project('custom')).projectId,
    seconds: 40,
  };

  const custom = await project('custom');
  const owner = createApi(apiUrl, custom.key);
  // The document's examples are about these.
  for (const type of ['email.sent', 'email.delivered', 'email.bounced', 'order.paid']) {
    const definition = { description: type, schema: { type: 'object' }, sample: {} };
    await mustCall(owner, 'PUT', `/v1/event-types/${type}`, definition);
  }
  const webhook = { name: 'Seed', url: 'http://127.0.0.1:9/', events: ['email.sent'] };
  const { id } = await mustCall(owner, 'POST', '/v1/webhooks', webhook);
  const { deliveries } = await mustCall(owner, 'POST', `/v1/webhooks/${id}/test`, {});
  yield {
    title: 'Everything in a project, by its owner',
    exclude: `${isAdmins}|${isPlatform}`,
    ...custom,
    deliveryId: deliveries[0].id,
    seconds: 120,
  };

  yield {
    title: 'The platform’s routes, by a project’s owner',
    include: isPlatform,
    // No answer of these routes is the input of another.
    phases: 'examples,coverage,fuzzing',
    ...(await project('platform')),
    seconds: 30,
  };
}

/** @returns 1 if something was found */
async function check(packages, part) {
  const { apiUrl, cwd, include, exclude, key, projectId, deliveryId = '', phases, seconds } = part;
  const { code } = await run(
    python,
    [
      '-m',
      'schemathesis.cli',
      `--config-file=${join(folder, 'schemathesis.toml')}`,
      'run',
      `${apiUrl}/openapi.json`,
      '--checks=all',
      `--max-time=${seconds}`,
      ...(phases ? [`--phases=${phases}`] : []),
      ...(include ? ['--include-path-regex', include] : []),
      ...(exclude ? ['--exclude-path-regex', exclude] : []),
      ...process.argv.slice(2),
    ],
    {
      stdio: 'inherit',
      cwd,
      env: {
        ...process.env,
        PYTHONPATH: packages,
        POSTHORN_KEY: key,
        POSTHORN_PROJECT: projectId,
        POSTHORN_DELIVERY: deliveryId,
      },
    },
  );
  return code === 0 ? 0 : 1;
}
