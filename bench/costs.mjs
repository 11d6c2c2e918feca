import { Client, Connection } from '@temporalio/client';
import mongoose from 'mongoose';

/** Commands that are no work of Posthorn's, or of the run's own counting. */
const notWork = /^(hello|isMaster|ping|serverStatus|saslStart|saslContinue|endSessions|repl.*)$/;
/** Histories read for the mean of a type. */
const SAMPLED = 200;

/** What can be asked of the servers behind a run. */
export class Costs {
  static async connect({ mongodbUrl, temporalAddress, temporalNamespace }) {
    const costs = new Costs();
    costs.mongo = await new mongoose.mongo.MongoClient(mongodbUrl).connect();
    const connection = await Connection.connect({ address: temporalAddress });
    costs.temporal = new Client({ connection, namespace: temporalNamespace });
    return costs;
  }

  async close() {
    await this.mongo.close();
    await this.temporal.connection.close();
  }

  /** How often each command was called; undefined if the user may not ask. */
  async mongoCommands() {
    try {
      const { metrics } = await this.mongo.db('admin').command({ serverStatus: 1 });
      return Object.entries(metrics.commands)
        .filter(([name, { total }]) => Number(total) > 0 && !notWork.test(name))
        .map(([name, { total }]) => [name, Number(total)]);
    } catch {
      return undefined;
    }
  }

  /** How many of a project's deliveries there are with that, by the log. */
  async count(projectId, filter) {
    return this.mongo
      .db()
      .collection('deliveries')
      .countDocuments({ projectId, ...filter });
  }

  /** Makes a project's queued deliveries those that their courier gives to workflows. */
  async giveToWorkflows(projectId) {
    const express = { projectId, isExpress: true };
    await this.mongo
      .db()
      .collection('deliveries')
      .updateMany(express, { $unset: { isExpress: 1 } });
  }

  /** How many of a project's deliveries have succeeded, by the log. */
  async succeeded(projectId) {
    return this.count(projectId, { status: 'succeeded' });
  }

  /** Whether an event or delivery workflow of those runs. */
  async isRunning(types) {
    const { count } = await this.temporal.workflow.count(`${typesAre(types)} AND ${RUNNING}`);
    return count > 0;
  }

  /**
   * What the workflows of these types since then have in their histories; of many, by the mean of some.
   * Returns `{workflows, events, bytes}`.
   */
  async histories(types, since) {
    const total = { workflows: 0, events: 0, bytes: 0 };
    for (const type of types) {
      const query = `${typesAre([type])} AND StartTime >= "${since.toISOString()}"`;
      const { count } = await this.temporal.workflow.count(query);
      const seen = { workflows: 0, events: 0, bytes: 0 };
      for await (const { workflowId, runId } of this.temporal.workflow.list({ query })) {
        if (seen.workflows === SAMPLED) break;
        const { raw } = await this.temporal.workflow.getHandle(workflowId, runId).describe();
        seen.workflows += 1;
        seen.events += Number(raw.workflowExecutionInfo.historyLength);
        seen.bytes += Number(raw.workflowExecutionInfo.historySizeBytes);
      }
      const share = seen.workflows === 0 ? 0 : count / seen.workflows;
      total.workflows += count;
      total.events += seen.events * share;
      total.bytes += seen.bytes * share;
    }
    return total;
  }
}

const RUNNING = 'ExecutionStatus = "Running"';
const typesAre = (types) => `WorkflowType IN (${types.map((type) => `"${type}"`).join(', ')})`;
