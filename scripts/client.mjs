/**
 * npm run client: writes clients/typescript/generated from the OpenAPI document, and compiles the
 * package. With `--check` it writes nothing, and fails if the folder is stale.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say, step } from './lib/console.mjs';
import { nodeBin, root } from './lib/paths.mjs';
import { mustRun, Refusal } from './lib/run.mjs';

const client = join(root, 'clients/typescript');
const target = join(client, 'generated');
const generator = join(client, 'node_modules/.bin/openapi-ts');
const scratch = mkdtempSync(join(tmpdir(), 'posthorn-client-'));

try {
  await ensureDependencies();
  await ensureBuilt();
  if (!existsSync(generator)) {
    await step('Installing the generator (npm ci)', async () => {
      await mustRun('npm', ['ci', '--no-audit', '--no-fund'], { cwd: client });
    });
  }
  const generated = await generate();
  if (!process.argv.includes('--check')) {
    rmSync(target, { recursive: true, force: true });
    cpSync(generated, target, { recursive: true });
    await mustRun('npm', ['run', '--silent', 'build'], { cwd: client });
    say('  clients/typescript/generated is written, and compiled to dist');
  } else if (textOf(target) !== textOf(generated)) {
    throw new Refusal('clients/typescript/generated is stale: run "npm run client"');
  }
} catch (error) {
  fail(error instanceof Refusal ? error.message : error.stack);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}

/** @returns the folder of the generated files */
async function generate() {
  const { openApiDocument } = createRequire(import.meta.url)(
    join(root, 'dist/src/api/openapi/document.js'),
  );
  const config = join(scratch, 'openapi-ts.config.mjs');
  const input = join(scratch, 'openapi.json');
  const path = join(scratch, 'generated');
  writeFileSync(input, JSON.stringify(openApiDocument()));
  const options = {
    input,
    output: { path },
    logs: { file: false },
    plugins: [
      '@hey-api/typescript',
      '@hey-api/client-fetch',
      { name: '@hey-api/sdk', operations: { strategy: 'single', containerName: 'Posthorn' } },
    ],
  };
  writeFileSync(config, `export default ${JSON.stringify(options)};`);
  await mustRun(generator, ['--file', config], { cwd: client });
  for (const file of filesOf(path)) {
    const text = readFileSync(file, 'utf8');
    const cleaned = text
      // The generator authors' notes to themselves.
      .replaceAll(/^ *\/\/ TODO.*\n/gm, '')
      // A browser global that Node's types don't have.
      .replaceAll('BodyInit | null | undefined', "RequestInit['body']");
    writeFileSync(file, cleaned);
  }
  await mustRun(nodeBin('prettier'), [
    '--write',
    '--log-level=warn',
    '--config',
    join(root, '.prettierrc.json'),
    path,
  ]);
  return path;
}

function filesOf(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** All files of a folder, by name. */
function textOf(folder) {
  return filesOf(folder)
    .map((file) => `${file.slice(folder.length)}\n${readFileSync(file, 'utf8')}`)
    .join('\n');
}
