import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyToJSON, JSONToPayload, type JSONPayload } from '@temporalio/common/lib/proto-utils';

function isPayload(value: object): value is JSONPayload {
  return 'metadata' in value && 'encoding' in (value.metadata as object);
}

/** A history's JSON with every payload decoded, failures and search attributes too. */
function decoded(json: string): string {
  return JSON.stringify(
    JSON.parse(json, (_key, value: unknown) =>
      typeof value === 'object' && value !== null && isPayload(value)
        ? defaultPayloadConverter.fromPayload(JSONToPayload(value))
        : value,
    ),
  );
}

/** Every run of every workflow, by `<workflowId> <runId>`: its memo, its search attributes and all events, as text. */
export async function historiesOf(temporal: Client): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { workflowId, runId, memo, raw } of temporal.workflow.list()) {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const text = decoded(historyToJSON(history));
    found.set(`${workflowId} ${runId}`, JSON.stringify({ memo, raw }) + text);
  }
  return found;
}
