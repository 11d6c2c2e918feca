import { Client, Connection } from '@temporalio/client';
import mongoose from 'mongoose';
import { poll } from '../scripts/lib/run.mjs';

const everyMs = 2000;
/** But for a probe, which is deleted at once: a Temporal that is killed meanwhile may list it for ever. */
const isOurs = ['reconcile', 'temporal-sys-scheduler-workflow', 'readiness']
  .map((type) => `WorkflowType != '${type}'`)
  .join(' AND ');

/** Looks into MongoDB and Temporal directly, past the API. */
export async function openEvidence({ mongodbUrl, temporalAddress }) {
  const mongo = new mongoose.mongo.MongoClient(mongodbUrl);
  await mongo.connect();
  const db = mongo.db();
  const connection = await Connection.connect({ address: temporalAddress });
  const temporal = new Client({ connection });
  const list = async (query) => {
    const found = [];
    for await (const workflow of temporal.workflow.list({ query })) found.push(workflow);
    return found;
  };

  const unfinished = async () => ({
    'deliveries pending': await db.collection('deliveries').countDocuments({ status: 'pending' }),
    'deliveries held': await db.collection('deliveries').countDocuments({ status: 'held' }),
    'replays running': await db.collection('replays').countDocuments({ status: 'running' }),
    'events not fanned out': await db.collection('events').countDocuments({ fannedOutAt: null }),
    'workflows running': (await list(`ExecutionStatus = 'Running' AND ${isOurs}`)).length,
  });

  return {
    /**
     * Waits until nothing is in progress. Returns what still was after `timeoutMs`, by name; empty if
     * nothing. `onLook` gets what is unfinished at each look.
     */
    async untilQuiet({ timeoutMs, onLook }) {
      let left = {};
      await poll(
        async () => {
          // A server that was struck last may still be starting.
          const counts = await unfinished().catch(({ message }) => ({ [message]: 1 }));
          left = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
          onLook(left);
          return Object.keys(left).length === 0;
        },
        { timeoutMs, everyMs },
      );
      return left;
    },
    events: () => db.collection('events').find().toArray(),
    deliveries: () => db.collection('deliveries').find().toArray(),
    webhooks: () => db.collection('webhooks').find().toArray(),
    /** `{workflowId, type, status}` of all runs of Posthorn's workflows. */
    workflows: () => list(isOurs),
    /** Makes the primary step down for some seconds; then it elects itself again. */
    stepDown: () => mongo.db('admin').command({ replSetStepDown: 3, force: true }),
    /** Terminates one running workflow, as an operator might. */
    async terminateOne(random) {
      const running = await list(`ExecutionStatus = 'Running' AND ${isOurs}`);
      if (running.length === 0) return;
      await temporal.workflow.getHandle(random.pick(running).workflowId).terminate('chaos');
    },
    async close() {
      await connection.close();
      await mongo.close();
    },
  };
}
