/**
 * npm run client: writes clients/typescript/schema.ts from the OpenAPI document. With `--check` it
 * writes nothing, and fails where the file is stale.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureDependencies } from './lib/build-steps.mjs';
import { fail, say, step } from './lib/console.mjs';
import { nodeBin, root } from './lib/paths.mjs';
import { mustRun, Refusal } from './lib/run.mjs';

const client = join(root, 'clients/typescript');
const target = join(client, 'schema.ts');
const generator = join(client, 'node_modules/.bin/openapi-typescript');
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
    writeFileSync(target, generated);
    say('  clients/typescript/schema.ts is written');
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== generated) {
    throw new Refusal('clients/typescript/schema.ts is stale: run "npm run client"');
  }
} catch (error) {
  fail(error instanceof Refusal ? error.message : error.stack);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}

async function generate() {
  const { openApiDocument } = createRequire(import.meta.url)(
    join(root, 'dist/src/api/openapi/document.js'),
  );
  const source = join(scratch, 'openapi.json');
  const output = join(scratch, 'schema.ts');
  writeFileSync(source, JSON.stringify(openApiDocument()));
  await mustRun(generator, [source, '--output', output, '--default-non-nullable', 'false'], {
    cwd: client,
  });
  await mustRun(nodeBin('prettier'), [
    '--write',
    '--config',
    join(root, '.prettierrc.json'),
    output,
  ]);
  return readFileSync(output, 'utf8');
}
