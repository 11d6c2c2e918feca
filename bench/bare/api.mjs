/** Accepts events by starting their workflows, and nothing else. Its environment is that of Posthorn's API. */
import { createServer } from 'node:http';
import { Client, Connection } from '@temporalio/client';
import { bareQueue, configOf } from './names.mjs';

const { host, port, temporal } = configOf('api');
const connection = await Connection.connect({ address: temporal.address });
const client = new Client({ connection, namespace: temporal.namespace });

async function start(event, res) {
  try {
    await client.workflow.start('bareFanOut', {
      workflowId: `bare-event/${event.run}-${event.n}`,
      taskQueue: bareQueue,
      args: [event],
    });
    res.writeHead(202).end();
  } catch (error) {
    res.writeHead(503).end(error.message);
  }
}

createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => void start(JSON.parse(Buffer.concat(chunks)), res));
}).listen(port, host);
