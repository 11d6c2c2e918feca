import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { FAILURE_CONVERTER, WORKFLOW_BUNDLE } from './worker';

/** Part of `npm run build`: workflows and their imports as one file, which every worker loads. */
async function main(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.resolve(__dirname, '../../workflows/index.js'),
    failureConverterPath: FAILURE_CONVERTER,
  });
  writeFileSync(WORKFLOW_BUNDLE, code);
}

void main();
