import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';

/** A folder's name: `HISTORIES=<name> npm test -- test/histories/record` keeps histories of every way. */
const FOLDER = path.resolve(__dirname, process.env.HISTORIES!);

/** What names the machine that it was recorded on, taken out; replaying reads none of it. */
function anonymous(key: string, value: unknown): unknown {
  if (key === 'identity') return 'posthorn';
  if (key === 'stackTrace') return '';
  return typeof value === 'string' ? value.replaceAll(`@${hostname()}`, '@host') : value;
}

export async function keep(
  client: Client,
  name: string,
  workflowId: string,
  runId?: string,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowId, runId);
  const history = await handle.fetchHistory();
  // Where the replayer reads the run's id from; in a reset run it is still the first run's.
  const started = history.events![0]!.workflowExecutionStartedEventAttributes!;
  started.originalExecutionRunId = runId ?? (await handle.describe()).runId;
  const json = `${JSON.stringify(JSON.parse(historyToJSON(history), anonymous))}\n`;
  const isLarge = json.length > 100_000;
  mkdirSync(FOLDER, { recursive: true });
  // wx: what is kept is never written over.
  writeFileSync(
    path.join(FOLDER, isLarge ? `${name}.json.gz` : `${name}.json`),
    isLarge ? gzipSync(json, { level: 9 }) : json,
    { flag: 'wx' },
  );
}
