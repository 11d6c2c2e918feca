import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { ensureRuntime } from '../support/runtime';

const BUNDLE = path.resolve(__dirname, '../../dist/workflow-bundle.js');

const kept = readdirSync(__dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.match(/\.json(\.gz)?$/))
  .toSorted();

interface KeptEvent {
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string } };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}

function read(name: string): { events: KeptEvent[] } {
  const bytes = readFileSync(path.join(__dirname, name));
  const json = name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  return JSON.parse(json.toString()) as { events: KeptEvent[] };
}

const replay = (history: unknown): Promise<void> => {
  // Not where no history is played: without a worker it would keep jest from ending.
  ensureRuntime();
  return Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history);
};

/** Workflows started by earlier code continue with the current code: CONTRIBUTING, "Changing a workflow". */
describe('the present workflows', () => {
  it.each(kept)('play back %s', async (name) => {
    await replay(read(name));
  });

  it('have a kept history each', () => {
    const types = kept.map((name) => {
      const [started] = read(name).events;
      return started!.workflowExecutionStartedEventAttributes!.workflowType.name;
    });
    expect([...new Set(types)].toSorted()).toEqual([
      'deliverWebhook',
      'drainWebhook',
      'fanOutEvent',
      'reconcile',
      'replayDeliveries',
    ]);
  });

  it('are refused by a history that did something else', async () => {
    const history = read(kept.find((name) => name.endsWith('delivery-succeeded.json'))!);
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled) scheduled.activityType.name = 'somethingElse';
    }
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });
});
